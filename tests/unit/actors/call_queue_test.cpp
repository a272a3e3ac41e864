// SPDX-License-Identifier: Apache-2.0
#include "actors/call_queue.hpp"

#include "actors/bundle.hpp"
#include "tests/support/catch.hpp"

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <type_traits>
#include <vector>

using namespace dunlin::actors;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t patient = 1'000'000 * ms;

static_assert(!std::is_copy_constructible_v<call_queue<int>>);
static_assert(std::is_nothrow_move_constructible_v<waiting_work<bundle_ptr>>);

using queue = call_queue<int>;

call_share from(std::uint64_t caller, std::uint32_t weight = 1,
                call_priority priority = call_priority::normal) {
    return {caller, weight, priority};
}
const auto nothing_dropped = [](auto&&) { FAIL("something was dropped"); };

bool put(queue& to, const call_share& share, int work, std::uint32_t count = 1,
         std::int64_t deadline_ns = patient, std::int64_t arrived_ns = 0) {
    return to.push(share, {work, count, deadline_ns, arrived_ns}, nothing_dropped);
}
// What goes next, or -1.
int take(queue& of, std::int64_t now_ns = 0) {
    auto look = of.pop(now_ns, 0, nothing_dropped);
    return look.next ? look.next->work : -1;
}
std::vector<int> take_all(queue& of) {
    std::vector<int> all;
    while (!of.empty()) all.push_back(take(of));
    return all;
}

}  // namespace

TEST_CASE("one caller's calls go in the order in which they came") {
    queue waiting(100, 1);
    CHECK(take(waiting) == -1);
    for (int i = 0; i < 5; ++i) REQUIRE(put(waiting, from(1), i));
    CHECK(waiting.waiting() == 5);
    CHECK(take_all(waiting) == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("callers take turns, and one who comes later does not wait for those before") {
    queue waiting(100, 1);
    for (int i = 0; i < 3; ++i) REQUIRE(put(waiting, from(1), 10 + i));
    for (int i = 0; i < 2; ++i) REQUIRE(put(waiting, from(2), 20 + i));
    CHECK(take_all(waiting) == std::vector{10, 20, 11, 21, 12});
}

TEST_CASE("a queue takes bundles that are shared by reference") {
    struct frame : frame_memory {};
    auto* memory = new frame;
    call_queue<bundle_ptr> waiting(10, 1);
    auto work = bundle::create(1, *memory);
    memory->release();
    work->add().id = 7;
    const bool taken = waiting.push(from(1), {std::move(work), 1, patient, 0}, [](auto&&) {});
    REQUIRE(taken);
    auto look = waiting.pop(0, 0, [](auto&&) {});
    REQUIRE(look.next);
    CHECK((*look.next->work)[0].id == 7);
}

TEST_CASE("a caller alone may fill the queue and no more than that") {
    queue waiting(10, 1);
    CHECK_FALSE(put(waiting, from(1), 0, 11));
    CHECK_FALSE(put(waiting, from(1), 0, 0));
    CHECK(waiting.flows() == 0);
    REQUIRE(put(waiting, from(1), 1, 6));
    CHECK_FALSE(put(waiting, from(1), 2, 5));
    CHECK(put(waiting, from(1), 3, 4));
    CHECK_FALSE(put(waiting, from(1), 4));
    CHECK(waiting.waiting() == 10);
    queue none(0, 1);
    CHECK_FALSE(put(none, from(1), 1));
}

TEST_CASE("in a full queue the newest of the longest caller makes room for a shorter one") {
    queue waiting(10, 1);
    for (int i = 0; i < 10; ++i) REQUIRE(put(waiting, from(1), 100 + i));
    std::vector<int> out;
    const auto pushed_out = [&](auto&& item) { out.push_back(item.work); };
    for (int i = 0; i < 5; ++i) CHECK(waiting.push(from(2), {200 + i, 1, patient, 0}, pushed_out));
    CHECK(out == std::vector{109, 108, 107, 106, 105});
    // Both have the same now, and neither takes anything from the other.
    CHECK_FALSE(put(waiting, from(2), 205));
    CHECK_FALSE(put(waiting, from(1), 110));
    CHECK(waiting.waiting() == 10);
    CHECK(take_all(waiting) == std::vector{100, 200, 101, 201, 102, 202, 103, 203, 104, 204});
}

TEST_CASE("what is pushed out for is in proportion to the weights") {
    queue waiting(120, 1);
    for (int i = 0; i < 120; ++i) REQUIRE(put(waiting, from(1), 1));
    int out = 0;
    for (int i = 0; i < 120; ++i)
        (void)waiting.push(from(2, 3), {2, 1, patient, 0}, [&](auto&&) { ++out; });
    CHECK(out == 90);
}

TEST_CASE("callers of a full queue of many share it evenly") {
    constexpr int callers = 100;
    queue waiting(10'000, 1);
    std::map<int, int> has;
    for (int round = 0; round < 1'000; ++round) {
        for (int caller = 0; caller < callers; ++caller) {
            const auto added =
                waiting.push(from(static_cast<std::uint64_t>(caller)), {caller, 1, patient, 0},
                             [&](auto&& item) { --has[item.work]; });
            if (added) ++has[caller];
        }
    }
    CHECK(waiting.waiting() == 10'000);
    for (const auto& each : has) CHECK(each.second == 100);
}

TEST_CASE("a higher priority finds room beside a lower one, and leaves it a sixteenth") {
    queue waiting(160, 1);
    const auto low = from(1, 1, call_priority::low);
    for (int i = 0; i < 160; ++i) REQUIRE(put(waiting, low, 1));
    int out = 0;
    const auto pushed_out = [&](auto&&) { ++out; };
    int taken = 0;
    for (int i = 0; i < 200; ++i) {
        if (waiting.push(from(2, 1, call_priority::high), {2, 1, patient, 0}, pushed_out)) ++taken;
    }
    CHECK(taken == 150);
    CHECK(out == 150);
    // Those who have less than a sixteenth find room the other way round.
    REQUIRE(waiting.push(from(3), {3, 10, patient, 0}, pushed_out));
    CHECK(out == 160);
    CHECK_FALSE(put(waiting, from(3), 3));
}

TEST_CASE("what cannot end in time when its turn comes is handed back and not run") {
    queue waiting(100, 1);
    REQUIRE(put(waiting, from(1), 1, 1, 10 * ms));
    REQUIRE(put(waiting, from(1), 2, 1, 20 * ms));
    REQUIRE(put(waiting, from(1), 3, 1, 30 * ms));
    std::vector<int> late;
    const auto keep = [&](auto&& item) { late.push_back(item.work); };
    auto look = waiting.pop(9 * ms, ms, keep);
    REQUIRE(look.next);
    CHECK(look.next->work == 1);  // in the last moment
    look = waiting.pop(20 * ms, ms, keep);
    REQUIRE(look.next);
    CHECK(look.next->work == 3);
    CHECK(late == std::vector{2});
    CHECK(waiting.empty());
}

TEST_CASE("a pop drops a bounded number, and says that there is more") {
    queue waiting(1'000, 1);
    for (int i = 0; i < 100; ++i) REQUIRE(put(waiting, from(1), i, 1, ms));
    REQUIRE(put(waiting, from(1), 100));
    std::uint32_t late = 0;
    auto look = waiting.pop(2 * ms, 0, [&](auto&&) { ++late; });
    CHECK(late == queue::drops_max);
    CHECK_FALSE(look.next);
    CHECK(look.again);
    look = waiting.pop(2 * ms, 0, [&](auto&&) { ++late; });
    CHECK(late == 100);
    REQUIRE(look.next);
    CHECK_FALSE(look.again);
    CHECK(take(waiting) == -1);
}

TEST_CASE("what was dropped does not count against its caller's share") {
    queue waiting(1'000, 1);
    for (int i = 0; i < 40; ++i) REQUIRE(put(waiting, from(1), 1, 1, ms));
    for (int i = 0; i < 10; ++i) REQUIRE(put(waiting, from(1), 1));
    for (int i = 0; i < 10; ++i) REQUIRE(put(waiting, from(2), 2));
    int first = 0;
    for (int i = 0; i < 10; ++i) {
        const auto look = waiting.pop(2 * ms, 0, [](auto&&) {});
        REQUIRE(look.next);
        if (look.next->work == 1) ++first;
    }
    CHECK(first == 5);
}

TEST_CASE("a look tells how many run first, and whether the caller's own queue stands") {
    queue waiting(1'000, 1, {.target_ns = 5 * ms, .interval_ns = 100 * ms});
    CHECK(waiting.look(from(1)).ahead == 0);
    // It borrows what it may, and is in the round then.
    for (int i = 0; i < 150; ++i) REQUIRE(put(waiting, from(1), 1));
    for (int i = 0; i < 500; ++i) REQUIRE(put(waiting, from(1), 1, 1, patient, i * ms));
    for (int i = 0; i < 150; ++i) (void)take(waiting);
    CHECK(waiting.look(from(1)).ahead == 500);
    for (int i = 0; i < 200; ++i) {
        (void)take(waiting, i * ms + 6 * ms);
        // One who does not wait for those.
        REQUIRE(put(waiting, from(2), 2, 1, patient, i * ms + 6 * ms));
        REQUIRE(take(waiting, i * ms + 6 * ms) == 2);
    }
    CHECK(waiting.look(from(1)).stands);
    CHECK(waiting.look(from(1)).ahead == 300);
    CHECK(waiting.look(from(2)).ahead == 0);
    CHECK_FALSE(waiting.look(from(2)).stands);
    CHECK(waiting.look(from(2, 1, call_priority::low)).ahead == 300);
    while (!waiting.empty()) (void)take(waiting, 1'000 * ms);
    CHECK_FALSE(waiting.look(from(1)).stands);
}

TEST_CASE("a queue of many callers who have one call each stands, too") {
    queue waiting(1'000, 1, {.target_ns = 5 * ms, .interval_ns = 100 * ms});
    for (int i = 0; i < 300; ++i)
        REQUIRE(put(waiting, from(static_cast<unsigned>(i)), i, 1, patient, i * ms));
    for (int i = 0; i < 200; ++i) (void)take(waiting, i * ms + 6 * ms);
    CHECK(waiting.look(from(1'000)).stands);
    CHECK(waiting.look(from(1'000)).ahead == 100);
}

TEST_CASE("an empty queue is small, and one that was long gives its memory back") {
    queue waiting(20'000, 1);
    CHECK(waiting.bytes() <= 64);
    REQUIRE(put(waiting, from(1), 1));
    CHECK(waiting.bytes() <= 10'000);
    CHECK(take(waiting) == 1);
    waiting.trim();
    CHECK(waiting.bytes() <= 64);
    for (int i = 0; i < 20'000; ++i) REQUIRE(put(waiting, from(static_cast<unsigned>(i)), i));
    CHECK(waiting.bytes() <= 20'000 * 200);
    CHECK(waiting.flows() == 20'000);
    while (!waiting.empty()) (void)take(waiting);
    CHECK(waiting.bytes() <= 64);
}

TEST_CASE("thousands of callers each have their turn before anybody has two") {
    constexpr int callers = 5'000;
    queue waiting(100'000, 1);
    for (int i = 0; i < 3; ++i) {
        for (int caller = 0; caller < callers; ++caller)
            REQUIRE(put(waiting, from(static_cast<unsigned>(caller)), caller));
    }
    for (int turn = 0; turn < 3; ++turn) {
        std::set<int> seen;
        for (int i = 0; i < callers; ++i) seen.insert(take(waiting));
        CHECK(seen.size() == callers);
    }
}

TEST_CASE("a queue that is cleared hands out everything once") {
    queue waiting(1'000, 1);
    std::multiset<int> in;
    for (int i = 0; i < 300; ++i) {
        const auto priority = static_cast<call_priority>(i % 3);
        REQUIRE(put(waiting, from(static_cast<unsigned>(i % 7), 1, priority), i));
        in.insert(i);
    }
    std::multiset<int> out;
    waiting.clear([&](auto&& item) { out.insert(item.work); });
    CHECK(in == out);
    CHECK(waiting.empty());
    CHECK(waiting.bytes() <= 64);
}

// Whatever happens: each item that came in comes out once, of a caller's calls none overtakes
// another, the limit holds, and memory is that of what waits.
TEST_CASE("nothing is lost and nothing comes twice, whatever is done to a queue") {
    const auto seed = GENERATE(range(1, 21));
    INFO("seed " << seed);
    std::mt19937 random(static_cast<unsigned>(seed));
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const auto invocations_max = std::size_t{1} + static_cast<std::size_t>(below(400));
    const auto callers = 1 + below(60);
    const auto largest = 1 + below(128);
    queue waiting(invocations_max, random());

    std::map<int, std::uint32_t> counts;  // of what is in
    std::map<std::pair<std::uint64_t, int>, std::deque<int>> lines;
    std::map<int, std::pair<std::uint64_t, int>> whose;
    const auto leaves = [&](const waiting_work<int>& item, bool newest) {
        REQUIRE(counts.count(item.work) == 1);
        REQUIRE(counts[item.work] == item.count);
        auto& line = lines[whose[item.work]];
        REQUIRE((newest ? line.back() : line.front()) == item.work);
        newest ? line.pop_back() : line.pop_front();
        counts.erase(item.work);
    };
    std::int64_t now_ns = 0;
    for (int step = 0; step < 5'000; ++step) {
        now_ns += below(3) * ms;
        if (below(500) == 0) now_ns -= 50 * ms;
        if (below(1 + step / 1'000 * 2) < 2) {
            const call_share share{static_cast<std::uint64_t>(below(callers)),
                                   static_cast<std::uint32_t>(below(70)),
                                   static_cast<call_priority>(below(3))};
            const auto count = static_cast<std::uint32_t>(1 + below(largest));
            const auto deadline_ns = below(3) == 0 ? now_ns + below(40) * ms : patient;
            const auto look = waiting.look(share);
            REQUIRE(look.ahead <= waiting.waiting());
            waiting_work<int> item{step, count, deadline_ns, now_ns};
            if (waiting.push(share, item, [&](auto&& out) { leaves(out, true); })) {
                const std::pair key{share.caller, static_cast<int>(share.priority)};
                counts[step] = count;
                whose[step] = key;
                lines[key].push_back(step);
            }
        } else {
            auto look = waiting.pop(now_ns, ms, [&](auto&& out) {
                REQUIRE(out.deadline_ns < now_ns + ms);
                leaves(out, false);
            });
            if (look.next) {
                REQUIRE(look.next->deadline_ns >= now_ns + ms);
                leaves(*look.next, false);
            } else {
                REQUIRE((look.again || waiting.empty()));
            }
        }
        std::size_t in = 0;
        for (const auto& each : counts) in += each.second;
        REQUIRE(waiting.waiting() == in);
        REQUIRE(waiting.waiting() <= invocations_max);
        REQUIRE(waiting.flows() <= counts.size() + flow_scheduler::debtors_max + 1);
    }
    waiting.clear([&](auto&& out) { leaves(out, true); });
    CHECK(counts.empty());
}
