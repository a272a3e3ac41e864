// SPDX-License-Identifier: Apache-2.0
#include "actors/stop_signal.hpp"

#include "tests/support/catch.hpp"

#include <latch>
#include <thread>

using namespace dunlin;
using namespace dunlin::actors;

TEST_CASE("the first stop request wins and its reason stays") {
    stop_signal signal;
    CHECK_FALSE(signal.requested());
    CHECK(signal.request(errc::deadline_exceeded));
    CHECK_FALSE(signal.request(errc::cancelled));
    CHECK(signal.requested());
    CHECK(signal.reason() == errc::deadline_exceeded);
}

TEST_CASE("a stop calls the callback once") {
    stop_signal signal;
    int calls = 0;
    signal.set_callback([](void* user) { ++*static_cast<int*>(user); }, &calls);
    CHECK(signal.has_callback());
    CHECK(signal.request(errc::cancelled));
    CHECK(calls == 0);  // not yet: whoever requested it chooses the thread
    signal.run_callback();
    signal.run_callback();
    CHECK(calls == 1);
}

TEST_CASE("a callback left after the stop is called at once") {
    stop_signal signal;
    signal.request(errc::cancelled);
    int calls = 0;
    signal.set_callback([](void* user) { ++*static_cast<int*>(user); }, &calls);
    CHECK(calls == 1);
}

TEST_CASE("a callback that was taken back is not called") {
    stop_signal signal;
    int calls = 0;
    signal.set_callback([](void* user) { ++*static_cast<int*>(user); }, &calls);
    signal.set_callback(nullptr, nullptr);
    CHECK_FALSE(signal.has_callback());
    signal.request(errc::cancelled);
    signal.run_callback();
    CHECK(calls == 0);
}

TEST_CASE("taking a callback back waits until it is not running") {
    struct state {
        std::latch entered{1};
        std::latch leave{1};
        std::atomic<bool> ended{false};
    } shared;
    stop_signal signal;
    signal.set_callback(
        [](void* user) {
            auto& s = *static_cast<state*>(user);
            s.entered.count_down();
            s.leave.wait();
            s.ended = true;
        },
        &shared);
    std::thread stopping([&] {
        signal.request(errc::cancelled);
        signal.run_callback();
    });
    shared.entered.wait();
    std::thread opening([&] { shared.leave.count_down(); });
    signal.set_callback(nullptr, nullptr);
    CHECK(shared.ended);
    stopping.join();
    opening.join();
}

TEST_CASE("of many threads that request a stop one wins, and the callback runs once") {
    constexpr int threads_max = 8;
    stop_signal signal;
    std::atomic<int> calls{0};
    std::atomic<int> winners{0};
    signal.set_callback([](void* user) { ++*static_cast<std::atomic<int>*>(user); }, &calls);
    std::latch start(threads_max);
    std::vector<std::thread> threads;
    for (int i = 0; i < threads_max; ++i)
        threads.emplace_back([&] {
            start.arrive_and_wait();
            if (signal.request(errc::cancelled)) ++winners;
            signal.run_callback();
        });
    for (auto& each : threads) each.join();
    CHECK(winners == 1);
    CHECK(calls == 1);
}
