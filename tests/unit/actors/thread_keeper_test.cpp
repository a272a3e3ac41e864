// SPDX-License-Identifier: Apache-2.0
#include "actors/thread_keeper.hpp"

#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/no_more_threads.hpp"

#include <condition_variable>
#include <mutex>

using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

/// Counts how often it was asked.
struct counted_task {
    std::mutex mutex;
    std::condition_variable asked;
    int times = 0;
    bool again = false;

    bool operator()() {
        const std::lock_guard lock(mutex);
        ++times;
        asked.notify_all();
        return again;
    }
    void wait_for(int count) {
        std::unique_lock lock(mutex);
        REQUIRE(asked.wait_for(lock, 20s, [&] { return times >= count; }));
    }
    void set(bool wanted) {
        const std::lock_guard lock(mutex);
        again = wanted;
    }
};

}  // namespace

TEST_CASE("the keeper asks its tasks while they have something, and when it is called") {
    manual_time time;
    counted_task task;
    thread_keeper keeper(time);
    CHECK_FALSE(keeper.hurry());
    keeper.start({[&](std::int64_t) { return task(); }});
    task.wait_for(2);  // it says that it sleeps, and looks once more
    task.set(true);
    REQUIRE(keeper.hurry());
    task.wait_for(6);
    // It sleeps a moment after its task has nothing more; who rings then wakes it.
    task.set(false);
    for (int times = 0; times < 20;) {
        keeper.ring();
        std::this_thread::yield();
        const std::lock_guard lock(task.mutex);
        times = task.times;
    }
    keeper.stop();
    CHECK_FALSE(keeper.hurry());
    keeper.ring();
}

TEST_CASE("a keeper that gets no thread says so, and nobody is told that it will come") {
    manual_time time;
    thread_keeper keeper(time);
    {
        const no_more_threads exhausted;
        CHECK_THROWS_AS(keeper.start({}), std::system_error);
    }
    CHECK_FALSE(keeper.hurry());
    keeper.start({});
    CHECK(keeper.hurry());
}
