// SPDX-License-Identifier: Apache-2.0
//
// The work is a fake: it says what was asked of it, and has as much to do as the test wants.
#include "client/leader_loop.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::link;
using namespace std::chrono_literals;
using texts = std::vector<std::string>;
using time_point = leadership::time_point;

namespace {

struct fake_work {
    std::mutex& mutex;
    leadership* by = nullptr;
    texts log = {};  // of the thread that drives
    std::atomic<bool> work{false};
    std::atomic<bool> finished{false};
    std::function<bool(waiter*)> on_receive = [](waiter*) { return false; };
    std::function<bool()> on_upkeep = [] { return false; };
    std::function<time_point()> until = [] { return time_point::max(); };

    void flush() {
        const std::lock_guard held(mutex);
        by->awake();
        log.emplace_back("flush");
    }
    bool receive(waiter* own) {
        log.emplace_back("receive");
        return on_receive(own);
    }
    bool upkeep(time_point /*now*/) {
        log.emplace_back("upkeep");
        return on_upkeep();
    }
    bool pending() const { return work; }
    time_point idle_until() { return until(); }
    void add_descriptors(std::vector<pollfd>& /*to*/) {}
    void read_events() { log.emplace_back("look"); }
    void read_events(std::span<const pollfd> /*found*/) { log.emplace_back("woken"); }
    void finish() { finished = true; }
};

struct lead_fixture {
    std::mutex mutex;
    fake_work work{mutex};
    leader_loop<fake_work> leads{work, mutex, 0ns};

    lead_fixture() {
        work.by = &leads;
        const leadership::lock held(mutex);
        leads.watch_anew();
    }
    void stop() {
        {
            const leadership::lock held(mutex);
            leads.stop();
        }
        leads.end();
    }
    [[nodiscard]] bool led() {
        const leadership::lock held(mutex);
        return leads.led();
    }
    /// As a thread does that waits for an answer.
    void drive(waiter& own) {
        leadership::lock held(mutex);
        if (!leads.led()) return leads.drive(own, held);
        leads.follow(own);
        leads.notify(held);
        CHECK(leads.wait(own, time_point::max()) == waiter::outcome::answered);
    }
    /// Something was put under the mutex.
    void notify() {
        leadership::lock held(mutex);
        leads.notify(held);
    }
};

}  // namespace

TEST_CASE_METHOD(lead_fixture, "a thread drives until its own answer is there, and flushes then") {
    waiter own;
    int rounds = 0;
    work.on_receive = [&](waiter* mine) {
        CHECK(mine == &own);
        CHECK(leads.here());
        if (++rounds == 3) own.deliver(bytes());
        return true;
    };
    drive(own);
    CHECK(work.log == texts{"flush", "receive", "upkeep", "flush", "receive", "upkeep", "flush",
                            "receive", "flush"});
    CHECK_FALSE(led());
    CHECK_FALSE(leads.here());
}

TEST_CASE_METHOD(lead_fixture, "a leader with nothing to do sleeps until it is notified") {
    waiter own;
    std::promise<void> asleep;
    work.until = [&, told = false]() mutable {
        if (!std::exchange(told, true)) asleep.set_value();
        return time_point::max();
    };
    std::thread other([&] {
        asleep.get_future().wait();
        // It says under the mutex that it sleeps, so this wakes it wherever it is by now.
        work.on_upkeep = [&] {
            own.deliver(bytes());
            return true;
        };
        notify();
    });
    drive(own);
    other.join();
    CHECK(std::count(work.log.begin(), work.log.end(), "woken") == 1);
}

TEST_CASE_METHOD(lead_fixture, "a leader does not sleep while there is something to do") {
    waiter own;
    int looks = 0;
    work.until = [&] {
        if (++looks == 3) own.deliver(bytes());
        return time_point::min();
    };
    drive(own);
    CHECK(looks == 3);
    CHECK(std::count(work.log.begin(), work.log.end(), "woken") == 0);
}

TEST_CASE_METHOD(lead_fixture, "a leader promotes the follower that has waited longest") {
    waiter own;
    waiter first;
    waiter second;
    work.on_receive = [&](waiter*) {
        const leadership::lock held(mutex);
        if (!own.answered()) {
            leads.follow(first);
            leads.follow(second);
            own.deliver(bytes());
        }
        return true;
    };
    drive(own);
    CHECK(led());  // on behalf of the first
    work.on_receive = [&](waiter* mine) {
        CHECK(mine == &first);
        first.deliver(bytes());
        return true;
    };
    CHECK(leads.wait(first, time_point::max()) == waiter::outcome::answered);
    CHECK(led());
    work.on_receive = [&](waiter* mine) {
        CHECK(mine == &second);
        second.deliver(bytes());
        return true;
    };
    CHECK(leads.wait(second, time_point::max()) == waiter::outcome::answered);
    CHECK_FALSE(led());
    CHECK(leads.wait(second, time_point{}) == waiter::outcome::answered);
    waiter late;
    CHECK(leads.wait(late, time_point{}) == waiter::outcome::timed_out);
}

TEST_CASE_METHOD(lead_fixture, "the background thread drives what nobody waits for, and no more") {
    std::promise<void> driven;
    work.on_upkeep = [&] {
        if (work.work.exchange(false)) driven.set_value();
        return false;
    };
    leads.start();
    work.work = true;
    notify();
    driven.get_future().wait();
    stop();
    CHECK(work.finished);
    REQUIRE(work.log.size() >= 4);
    CHECK(work.log[0] == "look");  // what arrived before it drove is not signalled any more
}

TEST_CASE_METHOD(lead_fixture, "a leader that leaves work behind wakes the background thread") {
    leads.start();
    std::promise<void> taken_over;
    waiter own;
    const auto caller = std::this_thread::get_id();
    work.on_receive = [&](waiter* mine) {
        if (mine != nullptr) {
            CHECK(std::this_thread::get_id() == caller);
            work.work = true;  // a call that nobody waits for
            own.deliver(bytes());
        } else if (work.work.exchange(false)) {
            taken_over.set_value();
        }
        return false;
    };
    drive(own);
    taken_over.get_future().wait();
    stop();
    CHECK(work.finished);
}

TEST_CASE_METHOD(lead_fixture, "without threads a step goes on until a leader would sleep") {
    const time_point due{5s};
    int left = 3;
    work.until = [&] { return left == 0 ? due : time_point::min(); };
    work.on_upkeep = [&] {
        CHECK(leads.here());
        return --left != 0;
    };
    CHECK(leads.step() == due);
    CHECK(work.log == texts{"look", "flush", "receive", "upkeep", "flush", "receive", "upkeep",
                            "flush", "receive", "upkeep"});
    CHECK_FALSE(led());
    stop();
    CHECK(work.finished);
}
