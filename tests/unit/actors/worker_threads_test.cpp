// SPDX-License-Identifier: Apache-2.0
#include "actors/worker_threads.hpp"

#include "actors/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/no_more_threads.hpp"
#include "tests/unit/actors/jobs.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <string>
#include <vector>

using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t held_ns = limits::worker_hold_ns_max;

struct scheduled : caf::actor_system_config {
    explicit scheduled(std::size_t threads) {
        module_factories.emplace_back([this, threads](caf::actor_system& made) {
            workers = new worker_threads(made, threads, nullptr, [this](const std::string& what) {
                complaints.push_back(what);
            });
            return workers;
        });
    }
    std::vector<std::string> complaints;  // on the thread that tends
    worker_threads* workers = nullptr;
};

struct fixture {
    explicit fixture(std::size_t threads) : config(threads) {}
    scheduled config;
    caf::actor_system system{config};
    worker_threads& workers = *config.workers;
};

void run_something(worker_threads& on) {
    std::promise<void> ran;
    on.enqueue(new job([&] { ran.set_value(); }));
    REQUIRE(ran.get_future().wait_for(20s) == std::future_status::ready);
}

}  // namespace

TEST_CASE("scheduler: what has more messages goes behind what waits") {
    fixture f(1);
    std::vector<std::string> order;
    std::promise<void> done;
    int left = 3;
    f.workers.enqueue(new job([&] {
        order.emplace_back("busy");
        if (--left > 0) return true;
        done.set_value();
        return false;
    }));
    for (const auto* name : {"other", "another"})
        f.workers.enqueue(new job([&order, name] { order.emplace_back(name); }));
    f.workers.begin();  // all wait by now
    done.get_future().wait();
    CHECK(order == std::vector<std::string>{"busy", "other", "another", "busy", "busy"});
    CHECK_FALSE(job::more_than_one_message);
}

TEST_CASE("scheduler: a thread that is held is replaced while others wait") {
    fixture f(1);
    f.workers.begin();
    held_job held;
    f.workers.enqueue(held.make());
    held.began.get_future().wait();
    CHECK(f.workers.tend(0));
    CHECK(f.workers.tend(held_ns));
    CHECK(f.workers.look().replaced == 0);  // nobody waits
    std::promise<void> ran;
    f.workers.enqueue(new job([&] { ran.set_value(); }));
    f.workers.tend(held_ns - 1);
    CHECK(f.workers.look().replaced == 0);
    f.workers.tend(held_ns);
    REQUIRE(ran.get_future().wait_for(20s) == std::future_status::ready);
    CHECK(f.workers.look().replaced == 1);
    CHECK(f.workers.look().threads == 1);
    held.go_on.set_value();
    wait_until([&] { return f.workers.look().replaced == 0; });
    CHECK(f.workers.look().threads == 1);
    run_something(f.workers);
    wait_until([&] { return !f.workers.tend(10 * held_ns); });
    CHECK(f.config.complaints.empty());
}

TEST_CASE("scheduler: one that takes turns quickly is not replaced, however long it goes on") {
    fixture f(1);
    f.workers.begin();
    std::atomic<bool> stop{false};
    std::atomic<int> turns{0};
    f.workers.enqueue(new job([&] {
        ++turns;
        return !stop;
    }));
    for (std::int64_t now_ns = 0; now_ns < 10 * held_ns; now_ns += held_ns) {
        f.workers.tend(now_ns);
        const int before = turns;
        wait_until([&] { return turns > before + 1; });
    }
    CHECK(f.workers.look().replaced == 0);
    stop = true;
}

TEST_CASE("scheduler: so many threads are replaced and no more, which is said once") {
    std::deque<held_job> held;
    fixture f(1);
    f.workers.begin();
    std::int64_t now_ns = 0;
    for (std::size_t i = 0; i <= limits::workers_replaced_max; ++i) {
        auto& next = held.emplace_back();
        f.workers.enqueue(next.make());
        f.workers.tend(now_ns);
        f.workers.tend(now_ns += held_ns);
        REQUIRE(next.began.get_future().wait_for(20s) == std::future_status::ready);
    }
    CHECK(f.workers.look().replaced == limits::workers_replaced_max);
    CHECK(f.config.complaints.empty());
    std::promise<void> ran;
    f.workers.enqueue(new job([&] { ran.set_value(); }));
    for (int i = 0; i < 3; ++i) f.workers.tend(now_ns += held_ns);
    REQUIRE(f.config.complaints.size() == 1);
    CHECK(f.config.complaints[0] ==
          "functions hold 64 threads beside those of the scheduler, which is the most there may "
          "be; other long functions wait until one returns");
    CHECK(f.workers.look().ready == 1);
    held.front().go_on.set_value();
    wait_until([&] { return f.workers.look().replaced < limits::workers_replaced_max; });
    f.workers.tend(now_ns += held_ns);
    CHECK(ran.get_future().wait_for(20s) == std::future_status::ready);
    for (std::size_t i = 1; i < held.size(); ++i) held[i].go_on.set_value();
}

TEST_CASE("scheduler: threads that the machine does not give") {
    held_job held;
    fixture f(1);
    {
        const no_more_threads exhausted;
        CHECK_THROWS_AS(f.workers.begin(), std::system_error);
    }
    f.workers.begin();
    f.workers.enqueue(held.make());
    held.began.get_future().wait();
    std::promise<void> ran;
    f.workers.enqueue(new job([&] { ran.set_value(); }));
    f.workers.tend(0);
    {
        const no_more_threads exhausted;
        f.workers.tend(held_ns);
        f.workers.tend(2 * held_ns);
    }
    REQUIRE(f.config.complaints.size() == 1);
    CHECK_THAT(f.config.complaints[0],
               Catch::Matchers::StartsWith(
                   "no thread can be made in place of one that a function holds: "));
    CHECK(f.workers.look().threads == 1);
    f.workers.tend(3 * held_ns);
    CHECK(ran.get_future().wait_for(20s) == std::future_status::ready);
    held.go_on.set_value();
}

TEST_CASE("scheduler: what is ready runs before it ends") {
    std::atomic<int> ran{0};
    {
        fixture f(2);
        f.workers.begin();
        for (int i = 0; i < 50; ++i) f.workers.enqueue(new job([&] { ++ran; }));
    }
    CHECK(ran == 50);
}
