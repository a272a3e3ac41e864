// SPDX-License-Identifier: Apache-2.0
#include "actors/blocking_threads.hpp"

#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/no_more_threads.hpp"
#include "tests/unit/actors/jobs.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <atomic>
#include <deque>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

struct fixture {
    testing_config config;
    caf::actor_system system{config};
    bool run_on_scheduler() {
        return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler()).try_run_once();
    }
};

}  // namespace

TEST_CASE("blocking threads: each job that blocks has its own, and an idle one is used again") {
    fixture f;
    held_job first;
    held_job second;
    blocking_threads threads(f.system, {});
    CHECK(threads.count() == 0);
    threads.exec_later(first.make());
    threads.exec_later(second.make());
    const auto first_thread = first.began.get_future().get();
    CHECK(first_thread != second.began.get_future().get());
    CHECK(threads.count() == 2);
    first.go_on.set_value();
    // One that ends its job is idle a moment later; until then another may be made.
    std::set<std::thread::id> seen{first_thread};
    wait_until([&] {
        std::promise<std::thread::id> ran;
        threads.exec_later(new job([&] { ran.set_value(std::this_thread::get_id()); }));
        return !seen.insert(ran.get_future().get()).second;
    });
    second.go_on.set_value();
}

TEST_CASE("blocking threads end after a while without work") {
    fixture f;
    blocking_threads threads(f.system, {.idle_max = 1ms});
    std::promise<void> ran;
    threads.exec_later(new job([&] { ran.set_value(); }));
    ran.get_future().wait();
    wait_until([&] { return threads.count() == 0; });
    std::promise<void> ran_again;
    threads.exec_later(new job([&] { ran_again.set_value(); }));
    ran_again.get_future().wait();
}

TEST_CASE("blocking threads run what is ready before they end") {
    fixture f;
    std::atomic<int> ran{0};
    {
        blocking_threads threads(f.system, {});
        for (int i = 0; i < 50; ++i) threads.exec_later(new job([&] { ++ran; }));
    }
    CHECK(ran == 50);
}

TEST_CASE("blocking threads: a job that gets no thread runs on the scheduler") {
    fixture f;
    held_job first;
    std::vector<std::string> refusals;
    std::vector<int> ran;
    {
        blocking_threads threads(f.system, {}, nullptr, [&](const std::system_error& why) {
            refusals.push_back(why.what());
        });
        const bool one_is_busy = GENERATE(false, true);
        if (one_is_busy) {
            threads.exec_later(first.make());
            first.began.get_future().wait();
        }
        {
            const no_more_threads exhausted;
            for (const int i : {1, 2}) threads.exec_later(new job([&ran, i] { ran.push_back(i); }));
        }
        CHECK(threads.count() == (one_is_busy ? 1 : 0));
        REQUIRE(refusals.size() == 1);  // once, however many wait
        CHECK_THAT(refusals[0], Catch::Contains("Resource temporarily unavailable"));
        CHECK(ran.empty());
        CHECK(f.run_on_scheduler());
        CHECK(f.run_on_scheduler());
        CHECK(ran == std::vector<int>{1, 2});
        // Threads are asked for again as soon as there is work again.
        std::promise<void> ran_on_thread;
        threads.exec_later(new job([&] { ran_on_thread.set_value(); }));
        ran_on_thread.get_future().wait();
        CHECK(threads.count() == (one_is_busy ? 2 : 1));
        first.go_on.set_value();
    }
}

TEST_CASE("blocking threads: those beyond the most there may be wait their turn") {
    fixture f;
    held_job first;
    held_job second;
    std::promise<void> ran;
    blocking_threads threads(f.system, {.threads_max = 2});
    threads.exec_later(first.make());
    threads.exec_later(second.make());
    first.began.get_future().wait();
    second.began.get_future().wait();
    threads.exec_later(new job([&] { ran.set_value(); }));
    CHECK(threads.count() == 2);
    auto done = ran.get_future();
    CHECK(done.wait_for(0s) == std::future_status::timeout);
    CHECK_FALSE(f.run_on_scheduler());  // nor is it lent: the machine has threads
    second.go_on.set_value();
    CHECK(done.wait_for(20s) == std::future_status::ready);
    first.go_on.set_value();
}

TEST_CASE("blocking threads: who has work makes no thread; the keeper and new threads do") {
    fixture f;
    dunlin::testing::manual_time time;
    thread_keeper keeper(time);
    std::deque<held_job> held(8);
    blocking_threads threads(f.system, {}, &keeper);
    std::atomic<bool> may_tend{false};
    keeper.start({[&](std::int64_t) { return !may_tend || threads.tend(); }});
    for (auto& each : held) threads.exec_later(each.make());
    CHECK(threads.count() == 0);
    may_tend = true;
    for (auto& each : held) each.began.get_future().wait();
    CHECK(threads.count() == 8);
    for (auto& each : held) each.go_on.set_value();
}

TEST_CASE("blocking threads: of those that are idle the last one works, so the others end") {
    fixture f;
    std::deque<held_job> held(4);
    blocking_threads threads(f.system, {.idle_max = 100ms});
    for (auto& each : held) threads.exec_later(each.make());
    for (auto& each : held) each.began.get_future().wait();
    for (auto& each : held) each.go_on.set_value();
    CHECK(threads.count() == 4);
    // One after the other, each well within the time that an idle thread stays.
    wait_until([&] {
        std::promise<void> ran;
        threads.exec_later(new job([&] { ran.set_value(); }));
        ran.get_future().wait();
        return threads.count() == 1;
    });
}
