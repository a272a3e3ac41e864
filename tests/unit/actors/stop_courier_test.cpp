// SPDX-License-Identifier: Apache-2.0
#include "actors/stop_courier.hpp"

#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

#include <caf/make_counted.hpp>

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;

namespace {

/// Threads that run when the test says so.
struct manual_threads final : caf::execution_unit {
    explicit manual_threads(caf::actor_system& system) : caf::execution_unit(&system) {}
    void exec_later(caf::resumable* job) override { jobs.push_back(job); }
    void run_one() {
        auto* job = jobs.at(0);
        jobs.erase(jobs.begin());
        if (job->resume(this, 1) == caf::resumable::resume_later)
            jobs.push_back(job);
        else
            caf::intrusive_ptr_release(job);
    }
    std::vector<caf::resumable*> jobs;
};

/// A function whose calls wait, each with a stop callback.
struct stoppable {
    actor_harness h;
    std::vector<std::string> ran;
    std::function<void()> in_callback = [] {};
    struct left {
        stoppable* all;
        std::string name;
    };
    std::deque<left> callbacks;
    pool& calls =
        h.make_waiting("test/waits",
                       [this](call_view c) {
                           auto& mine = callbacks.emplace_back(left{this, std::string(c.payload)});
                           c.host.set_stop_callback(
                               c.call,
                               [](void* user) {
                                   auto& told = *static_cast<left*>(user);
                                   told.all->ran.push_back(told.name);
                                   told.all->in_callback();
                               },
                               &mine);
                           c.sleep(std::chrono::hours(1),
                                   [c](std::int32_t, const std::string&) { c.finish("stopped"); });
                       },
                       {.activations = 4});

    stop_running stop_of(const std::string& name) {
        h.call_and_run(calls, name);
        CHECK((*h.last)[0].stop.request(errc::cancelled));
        return {h.last, 0};
    }
};

}  // namespace

TEST_CASE("stops that are passed on at once are run by one thread, in their order") {
    stoppable f;
    manual_threads threads(f.h.system());
    const auto courier = caf::make_counted<stop_courier>(threads);
    for (const auto* name : {"a", "b"}) CHECK(courier->take(f.stop_of(name)));
    REQUIRE(threads.jobs.size() == 1);
    threads.run_one();
    CHECK(f.ran == std::vector<std::string>{"a"});
    // One that comes while a callback runs, and one behind it.
    const auto third = f.stop_of("c");
    f.in_callback = [&, taken = false]() mutable {
        if (!std::exchange(taken, true)) CHECK(courier->take(third));
    };
    REQUIRE(threads.jobs.size() == 1);
    threads.run_one();
    threads.run_one();
    CHECK(f.ran == std::vector<std::string>{"a", "b", "c"});
    CHECK(threads.jobs.empty());
    f.h.run();
    for (std::uint32_t ticket = 0; ticket < 3; ++ticket)
        CHECK(f.h.outcome(ticket) == "ok: stopped");
    CHECK(courier->take(f.stop_of("d")));
    CHECK(threads.jobs.size() == 1);
    threads.run_one();
    CHECK(courier->unique());
}

TEST_CASE("what a courier was given before it was closed is run, and nothing is taken afterwards") {
    stoppable f;
    manual_threads threads(f.h.system());
    auto courier = caf::make_counted<stop_courier>(threads);
    CHECK(courier->take(f.stop_of("a")));
    courier->close();
    CHECK_FALSE(courier->take(f.stop_of("b")));
    courier.reset();  // the threads have it still
    threads.run_one();
    CHECK(f.ran == std::vector<std::string>{"a"});
    CHECK(threads.jobs.empty());
}

TEST_CASE("a lane that stops a call has its callback run on another thread") {
    stoppable f;
    const auto ticket = f.h.call(f.calls, "a");
    f.h.run();
    std::thread::id ran_by;
    f.in_callback = [&] { ran_by = std::this_thread::get_id(); };
    {
        recording_lane lane(f.h.system());
        CHECK_FALSE(activation::stop(f.h.last, 0, errc::cancelled));
        while (f.h.answers.count(ticket) == 0) f.h.run();
    }
    CHECK(ran_by != std::this_thread::get_id());
    CHECK(f.h.outcome(ticket) == "ok: stopped");
}
