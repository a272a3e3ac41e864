// SPDX-License-Identifier: Apache-2.0
#include "actors/blocking_threads.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/no_more_threads.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/ref_counted.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin::actors;
using dunlin::testing::no_more_threads;
using namespace std::chrono_literals;

namespace {

class job final : public caf::resumable, public caf::ref_counted {
public:
    explicit job(std::function<void()> body) : body_(std::move(body)) {}
    subtype_t subtype() const override { return caf::resumable::unspecified; }
    resume_result resume(caf::execution_unit* /*unit*/, std::size_t /*messages*/) override {
        body_();
        return caf::resumable::done;
    }
    void intrusive_ptr_add_ref_impl() override { ref(); }
    void intrusive_ptr_release_impl() override { deref(); }

private:
    std::function<void()> body_;
};

/// Runs until it is let go.
struct held_job {
    std::promise<std::thread::id> began;
    std::promise<void> go_on;
    job* made = new job([this] {
        began.set_value(std::this_thread::get_id());
        go_on.get_future().wait();
    });
};

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

void wait_until(const std::function<bool()>& reached) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!reached()) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("blocking threads: each job that blocks has its own, and an idle one is used again") {
    fixture f;
    blocking_threads threads(f.system, 1h);
    CHECK(threads.count() == 0);
    held_job first;
    held_job second;
    threads.exec_later(first.made);
    threads.exec_later(second.made);
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
    blocking_threads threads(f.system, 1ms);
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
        blocking_threads threads(f.system, 1h);
        for (int i = 0; i < 50; ++i) threads.exec_later(new job([&] { ++ran; }));
    }
    CHECK(ran == 50);
}

TEST_CASE("blocking threads: without another thread a job waits for one that there is") {
    fixture f;
    std::vector<std::string> refusals;
    blocking_threads threads(f.system, 1h,
                             [&](const std::system_error& why) { refusals.push_back(why.what()); });
    held_job first;
    threads.exec_later(first.made);
    const auto thread = first.began.get_future().get();
    std::promise<std::thread::id> second;
    std::promise<std::thread::id> third;
    {
        const no_more_threads exhausted;
        threads.exec_later(new job([&] { second.set_value(std::this_thread::get_id()); }));
        threads.exec_later(new job([&] { third.set_value(std::this_thread::get_id()); }));
    }
    CHECK(threads.count() == 1);
    CHECK_FALSE(f.run_on_scheduler());
    REQUIRE(refusals.size() == 1);  // once, however many wait
    CHECK_THAT(refusals[0], Catch::Matchers::Contains("Resource temporarily unavailable"));
    first.go_on.set_value();
    CHECK(second.get_future().get() == thread);
    CHECK(third.get_future().get() == thread);
}

TEST_CASE("blocking threads: without any thread a job runs on the scheduler") {
    fixture f;
    int refusals = 0;
    blocking_threads threads(f.system, 1h, [&](const std::system_error&) { ++refusals; });
    bool ran = false;
    {
        const no_more_threads exhausted;
        threads.exec_later(new job([&] { ran = true; }));
    }
    CHECK(threads.count() == 0);
    CHECK(refusals == 1);
    CHECK(f.run_on_scheduler());
    CHECK(ran);
    // Threads are asked for again as soon as there is work again.
    std::promise<void> ran_on_thread;
    threads.exec_later(new job([&] { ran_on_thread.set_value(); }));
    ran_on_thread.get_future().wait();
    CHECK(threads.count() == 1);
}
