// SPDX-License-Identifier: Apache-2.0
//
// Operations that a module ends itself, from any thread, at any time, even the wrong one.
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/actors/waiting_functions.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

/// A function that answers with how its operation ended, and the tickets it was given.
struct outside {
    std::vector<dunlin_ticket*> tickets;
    std::size_t refused = 0;

    std::int32_t operator()(call_view c) {
        auto* ticket = c.begin([c](std::int32_t code, const std::string& data) {
            c.finish(std::to_string(code) + " " + data);
        });
        if (ticket == nullptr)
            ++refused;
        else
            tickets.push_back(ticket);
        return DUNLIN_PENDING;
    }
};

}  // namespace

TEST_CASE("an operation ends with what the module ends it with, from another thread") {
    actor_harness h;
    outside function;
    auto& pool = h.make_pool(h.function("test/outside", std::ref(function), DUNLIN_ASYNC));
    const auto good = h.call_and_run(pool, "");
    std::thread([&] { end_ticket(function.tickets[0], "found"); }).join();
    CHECK(h.outcome(good) == "open");
    h.run();
    CHECK(h.outcome(good) == "ok: 0 found");
    const auto bad = h.call_and_run(pool, "");
    end_ticket(function.tickets[1], "lost", static_cast<std::int32_t>(errc::conflict));
    h.run();
    CHECK(h.outcome(bad) ==
          "ok: " + std::to_string(static_cast<std::int32_t>(errc::conflict)) + " lost");
}

TEST_CASE("an end that comes after a stop is for nobody, and not for the next call either") {
    actor_harness h;
    outside function;
    auto& pool = h.make_pool(h.function("test/outside", std::ref(function), DUNLIN_ASYNC));
    const auto stopped = h.call_and_run(pool, "");
    activation::stop(h.last, 0, errc::cancelled);
    h.run();
    CHECK(h.outcome(stopped) == "ok: 7 the caller withdrew the call");
    const auto next = h.call_and_run(pool, "");
    end_ticket(function.tickets[0], "late");
    h.run();
    CHECK(h.outcome(next) == "open");
    end_ticket(function.tickets[1], "its own");
    h.run();
    CHECK(h.outcome(next) == "ok: 0 its own");
}

TEST_CASE(
    "an operation of a call that was stopped already may not begin, and ends with the reason") {
    actor_harness h;
    outside function;
    auto& pool = h.make_pool(h.function(
        "test/outside",
        [&](call_view c) {
            activation::stop(h.last, 0, errc::deadline_exceeded);
            return function(c);
        },
        DUNLIN_ASYNC));
    const auto ticket = h.call_and_run(pool, "");
    h.pass(1ms);
    CHECK(function.refused == 1);
    CHECK(h.outcome(ticket) == "ok: 6 the call's deadline has passed");
}

TEST_CASE("tickets may outlive the node") {
    outside function;
    {
        actor_harness h;
        auto& pool = h.make_pool(h.function("test/outside", std::ref(function), DUNLIN_ASYNC));
        const auto waits = h.call_and_run(pool, "");
        pool.shut_down();
        h.run();
        CHECK(h.outcome(waits) == "ok: 9 the node stops");
    }
    REQUIRE(function.tickets.size() == 1);
    end_ticket(function.tickets[0], "to nobody");
}

TEST_CASE("a lane's thread that ends an operation hands what becomes ready to the scheduler") {
    actor_harness h;
    outside function;
    auto& pool = h.make_pool(h.function("test/outside", std::ref(function), DUNLIN_ASYNC));
    const auto waits = h.call_and_run(pool, "");
    auto& ending = h.make_pool(h.function("test/ending", [&](call_view c) {
        end_ticket(function.tickets[0], "by a neighbour");
        return c.reply("ended");
    }));
    const auto ends = h.call(ending, "");
    {
        recording_lane lane(h.system());
        h.run();
        CHECK(lane.jobs.empty());
        CHECK_THAT(lane.violations, Catch::Equals(std::vector<std::string>{}));
        CHECK(run_unit::current() == &lane);
    }
    h.run();
    CHECK(h.outcome(ends) == "ok: ended");
    CHECK(h.outcome(waits) == "ok: 0 by a neighbour");
}

TEST_CASE("ends that cross a shutdown leave each call with one answer") {
    actor_harness h;
    outside function;
    auto& pool = h.make_pool(h.function("test/outside", std::ref(function), DUNLIN_ASYNC),
                             {.activations = 64});
    std::vector<std::uint32_t> calls;
    for (int i = 0; i < 64; ++i) calls.push_back(h.call(pool, ""));
    h.run();
    REQUIRE(function.tickets.size() == 64);
    std::atomic<bool> begun{false};
    std::thread other([&] {
        for (auto* ticket : function.tickets) {
            end_ticket(ticket, "crossing");
            begun = true;
        }
    });
    while (!begun) std::this_thread::yield();
    pool.shut_down();
    other.join();
    h.run();
    // Each by its end, or else by the shutdown.
    for (const auto call : calls) {
        const auto outcome = h.outcome(call);
        INFO(outcome);
        CHECK((outcome == "ok: 0 crossing" || outcome == "ok: 9 the node stops"));
    }
}
