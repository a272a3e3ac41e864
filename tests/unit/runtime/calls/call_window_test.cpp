// SPDX-License-Identifier: Apache-2.0
#include "runtime/calls/call_window.hpp"

#include "tests/support/catch.hpp"

#include <atomic>
#include <latch>
#include <thread>

using namespace dunlin;
using namespace dunlin::runtime;
using verdict = call_window::verdict;

namespace {

cluster::call_name call(std::uint64_t id) { return {1, id, 0, 0}; }

/// Stands for a lane: counts what it is told.
class told final : public actors::answer_port, public actors::call_carrier {
public:
    void answer_value(actors::answer_address, actors::output_buffer&) override { ++values; }
    void answer_error(actors::answer_address, error) override { ++errors; }
    void withdraw(actors::answer_address, errc) override { ++withdrawn; }

    std::atomic<int> values{0};
    std::atomic<int> errors{0};
    std::atomic<int> withdrawn{0};
};

call_window::waiter waiter(told& lane, std::uint32_t slot) { return {&lane, {slot, 0}}; }

call_window::begun begin(call_window& window, std::uint64_t id, told& lane,
                         std::uint32_t slot = 0) {
    return window.begin(call(id), 1, [&](call_window::ticket) { return waiter(lane, slot); });
}

}  // namespace

TEST_CASE("call window hands out who waits once, when the call ends or was not taken") {
    call_window window({});
    told lane;
    const auto first = begin(window, 7, lane);
    REQUIRE(first.what == verdict::fresh);
    CHECK_FALSE(window.is_awaited(first.call));
    CHECK(begin(window, 7, lane, 1).what == verdict::running);
    CHECK(begin(window, 7, lane, 2).what == verdict::running);
    CHECK(window.is_awaited(first.call));
    const auto waiters = window.finish_small(first.call, as_bytes("x"), 2);
    REQUIRE(waiters.size() == 2);
    CHECK(waiters[0] == waiter(lane, 1));
    CHECK(waiters[1] == waiter(lane, 2));
    CHECK(as_text(begin(window, 7, lane).reply) == "x");

    const auto refused = begin(window, 8, lane);
    CHECK(begin(window, 8, lane, 3).what == verdict::running);
    CHECK(window.withdraw(refused.call).size() == 1);
    const auto again = begin(window, 8, lane);
    CHECK(again.what == verdict::fresh);
    CHECK(window.finish(again.call, 2).empty());
}

TEST_CASE("call window says when the last repeat of an orphan has gone, and not before") {
    call_window window({});
    told lane;
    const auto first = begin(window, 7, lane);
    CHECK_FALSE(window.orphaned(first.call, {&lane, {9, 9}}));  // nobody would take it over
    CHECK(begin(window, 7, lane, 1).what == verdict::running);
    CHECK(begin(window, 7, lane, 2).what == verdict::running);
    CHECK_FALSE(window.leave(first.call, waiter(lane, 1)));
    CHECK(begin(window, 7, lane, 3).what == verdict::running);
    CHECK(window.orphaned(first.call, {&lane, {9, 9}}));
    CHECK_FALSE(window.leave(first.call, waiter(lane, 2)));
    CHECK_FALSE(window.leave(first.call, waiter(lane, 2)));  // it has left already
    const auto orphan = window.leave(first.call, waiter(lane, 3));
    REQUIRE(orphan);
    CHECK(orphan->carrier == &lane);
    CHECK(orphan->address == actors::answer_address{9, 9});
    CHECK_FALSE(window.is_awaited(first.call));
    // One that comes before the call is stopped keeps it.
    CHECK(begin(window, 7, lane, 4).what == verdict::running);
    CHECK(window.is_awaited(first.call));
    CHECK(window.finish(first.call, 2).size() == 1);
}

TEST_CASE("call window that leaves is not taken for another call at the same place") {
    call_window window({});
    told lane;
    const auto first = begin(window, 7, lane);
    CHECK(begin(window, 7, lane, 1).what == verdict::running);
    CHECK(window.withdraw(first.call).size() == 1);
    const auto next = begin(window, 8, lane);
    REQUIRE(next.call.place == first.call.place);
    CHECK(begin(window, 8, lane, 2).what == verdict::running);
    CHECK(window.orphaned(next.call, {&lane, {9, 9}}));
    CHECK_FALSE(window.leave(first.call, waiter(lane, 1)));
    CHECK(window.is_awaited(next.call));
}

TEST_CASE("call window is off without room or time") {
    CHECK_FALSE(call_window({.calls_max = 0}).enabled());
    CHECK_FALSE(call_window({.window_ns = 0}).enabled());
    CHECK(call_window({}).enabled());
}

TEST_CASE("call window lets one of several threads run each call, and the others wait or know") {
    constexpr std::uint64_t calls = 5'000;
    constexpr int threads = 4;
    call_window window({.lanes = 2, .seed = 5});
    told lane;
    std::atomic<std::uint64_t> ran{0};
    std::atomic<std::uint64_t> known{0};
    std::atomic<std::uint64_t> waited{0};
    std::atomic<std::uint64_t> served{0};
    std::latch start(threads);
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&] {
            start.arrive_and_wait();
            for (std::uint64_t id = 1; id <= calls; ++id) {
                const auto begun = begin(window, id, lane);
                switch (begun.what) {
                    case verdict::fresh:
                        ++ran;
                        served += window.finish_small(begun.call, as_bytes("reply"), 2).size();
                        break;
                    case verdict::running: ++waited; break;
                    default: known += as_text(begun.reply) == "reply" ? 1 : 0; break;
                }
            }
        });
    }
    for (auto& each : all) each.join();
    CHECK(ran == calls);
    CHECK(served == waited);
    CHECK(ran + known + waited == calls * threads);
    const auto figures = window.counted();
    CHECK(figures.calls == calls);
    CHECK(figures.bytes == calls * 5);
    CHECK(figures.counted.repeats == known + waited);
}
