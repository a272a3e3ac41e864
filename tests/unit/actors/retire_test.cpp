// SPDX-License-Identifier: Apache-2.0
//
// Activations that end while their pool lives: what was meant for one finds nothing, neither it nor
// the one that has its slot now.
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/actors/waiting_functions.hpp"

#include <caf/actor_registry.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

/// A function that answers at once, or, when told to wait, with how its operation ended. Of what it
/// began something is left each time: a timer, an inner call and a ticket.
struct leaves_things {
    actor_harness& h;
    std::vector<std::shared_ptr<operation_timer>> timers;
    std::vector<dunlin_ticket*> tickets;

    std::int32_t operator()(call_view c) {
        if (c.payload == "wait") {
            tickets.push_back(
                c.begin([c](std::int32_t, const std::string& data) { c.finish(data); }));
            return DUNLIN_PENDING;
        }
        if (c.payload.empty()) return c.reply("done");
        c.host.sleep(c.call, 1'000'000, never, nullptr);
        timers.push_back(h.timers.armed.back());
        leave_inner_call(c);
        tickets.push_back(c.host.begin(c.call, never, nullptr));
        return c.reply("left");
    }
};

/// Sends everything that comes too late for the call in `work`.
void send_what_is_late(actor_harness& h, leaves_things& function, const bundle_ptr& work) {
    function.timers.at(0)->owner->timer_fired(*function.timers.at(0));
    h.router.calls.at(0).reply("late");
    h.router.calls.at(0).fail(errc::failed, "later");
    end_ticket(function.tickets.at(0), "late");
    CHECK_FALSE(activation::stop(work, 0, errc::cancelled));
}

}  // namespace

TEST_CASE("a pool ends activations that are idle, and spawns others when they are needed") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {.activations = 4});
    const auto actors = [&] { return h.system().registry().running(); };
    REQUIRE(actors() == 4);
    const auto waits = h.call_and_run(pool, "5");
    CHECK(pool.retire(2) == 2);
    h.run();
    CHECK(actors() == 2);
    CHECK(pool.status().activations == 2);
    CHECK(pool.retire(5) == 1);  // not the one that keeps a call
    CHECK(pool.retire(5) == 0);
    h.run();
    CHECK(actors() == 1);
    const auto others = {h.call(pool, "1"), h.call(pool, "2"), h.call(pool, "3")};
    h.run();
    CHECK(pool.status().activations == 4);
    CHECK(actors() == 4);
    const auto queued = h.call(pool, "0");
    CHECK(pool.status().queued == 1);
    h.pass(5ms);
    h.pass(0ms);
    CHECK(h.outcome(waits) == "ok: slept");
    CHECK(h.outcome(queued) == "ok: slept");
    for (const auto each : others) CHECK(h.outcome(each) == "ok: slept");
    pool.shut_down();
    CHECK(pool.retire(1) == 0);
    h.run();
    CHECK(actors() == 0);
}

TEST_CASE("what comes too late for a retired activation finds nothing") {
    actor_harness h;
    leaves_things function{h, {}, {}};
    auto& pool = h.make_pool(h.function("test/leaves", std::ref(function)));
    const auto first = h.call(pool, "leave");
    const auto work = h.last;
    h.run();
    REQUIRE(h.outcome(first) == "ok: left");
    REQUIRE(pool.retire(1) == 1);
    h.run();
    send_what_is_late(h, function, work);
    CHECK(h.run() == 0);  // no message was sent
}

TEST_CASE("what comes too late finds nothing when another activation has the slot") {
    actor_harness h;
    leaves_things function{h, {}, {}};
    auto& pool = h.make_pool(h.function("test/leaves", std::ref(function)));
    h.call(pool, "leave");
    const auto work = h.last;
    h.run();
    REQUIRE(pool.retire(1) == 1);
    const auto second = h.call_and_run(pool, "wait");
    REQUIRE(pool.status().activations == 1);
    REQUIRE(h.outcome(second) == "open");
    send_what_is_late(h, function, work);
    CHECK(h.run() == 0);
    CHECK(h.outcome(second) == "open");
    end_ticket(function.tickets.at(1), "its own");
    h.run();
    CHECK(h.outcome(second) == "ok: its own");
}

TEST_CASE("a stop whose callback runs when the activation is retired ends with that") {
    actor_harness h;
    struct shared {
        pool* retired = nullptr;
        int callbacks = 0;
    } seen;
    auto& pool = h.make_pool(h.function("test/stopped", [&](call_view c) {
        c.host.set_stop_callback(
            c.call, [](void* user) { ++static_cast<shared*>(user)->callbacks; }, &seen);
        return c.reply("done");
    }));
    h.call_and_run(pool, "");
    REQUIRE(pool.retire(1) == 1);
    // As the one who runs callbacks does with a stop that it was given before the answer.
    activation::finish_stop({h.last, 0});
    h.run();
    CHECK(seen.callbacks == 0);
}

TEST_CASE("what stops, ends and retires under load leaves each call with one answer") {
    actor_harness h;
    struct begun {
        dunlin_ticket* ticket;
        std::size_t call;
    };
    std::mutex mutex;
    std::vector<begun> to_end;
    std::vector<begun> to_stop;
    const auto body = [&](call_view c) {
        if (c.payload == "run") return c.reply("ran");
        const begun waits{
            c.begin([c](std::int32_t code, const std::string&) { c.finish(std::to_string(code)); }),
            std::stoul(std::string(c.payload))};
        const std::lock_guard lock(mutex);
        to_end.push_back(waits);
        to_stop.push_back(waits);
        return std::int32_t{DUNLIN_PENDING};
    };
    constexpr std::size_t calls = 2000;
    constexpr std::size_t waiting_each = 4;  // one in so many waits
    auto& pool = h.make_pool(h.function("test/busy", body, DUNLIN_BLOCKING),
                             {.activations = 8, .queue_depth_max = calls});
    std::vector<bundle_ptr> work;
    for (std::size_t i = 0; i < calls; ++i)
        work.push_back(h.bundle_of({i % waiting_each == 0 ? std::to_string(i) : "run"}));

    std::atomic<int> submitting{2};
    const auto submit = [&](std::size_t first) {
        for (auto i = first; i < calls; i += 2) {
            pool.submit(work[i], [](bundle&, std::uint32_t, const admission_decision&) {
                FAIL("there is room");
            });
            // A pool that always has a queue has nothing to retire.
            while (pool.status().queued > waiting_each) std::this_thread::yield();
        }
        --submitting;
    };
    std::thread submits_even(submit, 0);
    std::thread submits_odd(submit, 1);
    // Each call that waits is ended and stopped at about the same time.
    const auto take_all = [&](std::vector<begun>& from, auto&& visit) {
        for (std::size_t taken = 0; taken < calls / waiting_each;) {
            std::vector<begun> found;
            {
                const std::lock_guard lock(mutex);
                found.swap(from);
            }
            for (const auto& each : found) visit(each);
            taken += found.size();
            if (found.empty()) std::this_thread::yield();
        }
    };
    std::thread ends(
        [&] { take_all(to_end, [](const begun& each) { end_ticket(each.ticket, "ended"); }); });
    std::thread stops([&] {
        take_all(to_stop,
                 [&](const begun& each) { activation::stop(work[each.call], 0, errc::cancelled); });
    });
    std::size_t retired = 0;
    while (submitting != 0) retired += pool.retire(2);
    submits_even.join();
    submits_odd.join();
    ends.join();
    stops.join();
    for (std::uint32_t ticket = 0; ticket < calls; ++ticket)
        h.answers.wait_for(ticket, "an answer under load");
    for (std::uint32_t ticket = 0; ticket < calls; ++ticket)
        if (h.answers.count(ticket) != 1) FAIL(ticket << ": " << h.outcome(ticket));
    CHECK(retired > 0);
    CHECK(pool.status().activations <= 8);
}
