// SPDX-License-Identifier: Apache-2.0
#include "actors/overdue.hpp"

#include "actors/overdue_watch.hpp"
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin::actors;
using namespace dunlin::testing;
using change = overdue_detector::change;

namespace {

constexpr std::int64_t after_ns = limits::overdue_after_deadline_ns;
constexpr std::int64_t second = 1'000'000'000;

code_seen running(pool& function, std::uint64_t entry, std::int64_t deadline_ns = no_deadline) {
    return {1, &function, deadline_ns, entry};
}

std::int32_t nothing(call_view c) { return c.reply(""); }

}  // namespace

TEST_CASE("a function is overdue some time after its call's deadline, and told of once") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/long", nothing));
    overdue_detector detector;
    const auto seen = running(pool, 7, 10 * second);
    CHECK(detector.observe(seen, 9 * second) == change::none);
    CHECK(detector.observe(seen, 10 * second + after_ns - 1) == change::none);
    CHECK(detector.observe(seen, 10 * second + after_ns) == change::overdue);
    CHECK(detector.subject(change::overdue) == &pool);
    CHECK(detector.held_ns(change::overdue, 10 * second + after_ns) == second + after_ns);
    CHECK(detector.observe(seen, 100 * second) == change::none);
    CHECK(detector.observe({1, nullptr, 0, 7}, 109 * second) == change::returned);
    CHECK(detector.subject(change::returned) == &pool);
    CHECK(detector.held_ns(change::returned, 109 * second) == 100 * second);
    CHECK(detector.observe({1, nullptr, 0, 7}, 110 * second) == change::none);
}

TEST_CASE("a call without a deadline has a minute") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/long", nothing));
    overdue_detector detector;
    const auto seen = running(pool, 1);
    CHECK(detector.observe(seen, second) == change::none);
    CHECK(detector.observe(seen, second + limits::overdue_without_deadline_ns - 1) == change::none);
    CHECK(detector.observe(seen, second + limits::overdue_without_deadline_ns) == change::overdue);
}

TEST_CASE("a thread that runs one short call after the other is never overdue") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/short", nothing));
    overdue_detector detector;
    for (std::uint64_t entry = 0; entry < 100; ++entry) {
        const auto now_ns = static_cast<std::int64_t>(entry) * 2 * second;
        CHECK(detector.observe(running(pool, entry, now_ns + second), now_ns) == change::none);
    }
}

TEST_CASE("the watch finds what never returns on whichever thread, and leaves other nodes' alone") {
    actor_harness h;
    auto& mine = h.make_pool(h.function("test/mine", nothing));
    auto& others = h.make_pool(h.function("test/others", nothing));
    std::vector<std::string> told;
    overdue_watch watch([&](const pool* each) { return each == &mine; },
                        [&](const pool& which, change what, std::int64_t held_ns) {
                            told.push_back(which.info().name +
                                           (what == change::overdue ? " overdue " : " returned ") +
                                           std::to_string(held_ns / second));
                        });
    CHECK_FALSE(watch.tend(0));
    std::promise<void> go_on;
    const auto open = go_on.get_future().share();
    std::vector<std::thread> threads;
    for (auto* each : {&mine, &others}) {
        std::promise<void> began;
        threads.emplace_back([&, each, open] {
            const code_thread listed;
            const code_note note(*each, 5 * second);
            began.set_value();
            open.wait();
        });
        began.get_future().wait();
    }
    CHECK(watch.tend(second));
    CHECK(told.empty());
    CHECK(watch.tend(6 * second));
    CHECK(told == std::vector<std::string>{"test/mine overdue 5"});
    CHECK(mine.status().stuck == 1);
    CHECK(others.status().stuck == 0);
    go_on.set_value();
    for (auto& each : threads) each.join();
    CHECK_FALSE(watch.tend(8 * second));  // a thread that has ended has returned
    CHECK(told.back() == "test/mine returned 7");
    CHECK(mine.status().stuck == 0);
}
