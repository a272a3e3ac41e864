// SPDX-License-Identifier: Apache-2.0
//
// Orleans' rule against steps computed by hand from what is published.
#include "runtime/rehearsal/orleans_model.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::runtime::rehearsal;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;

void run_until(model& of, std::int64_t time_ns) {
    while (of.next_ns() <= time_ns) of.advance();
}

}  // namespace

TEST_CASE("the controller wants a worker gone while waiting is remembered") {
    worker_controller rule;
    CHECK_FALSE(rule.inspect(0));
    CHECK(rule.at_rest());
    // 0.433 * -1 + 0.468 * -1 + 0.480 * -1
    CHECK(rule.inspect(1));
    // 0.468 * -1 + 0.480 * 1 is just above zero
    CHECK_FALSE(rule.inspect(0));
    // the integral alone
    CHECK(rule.inspect(0));
    rule.removed(2);
    CHECK(rule.inspect(0));
    CHECK_FALSE(rule.at_rest());
    rule.removed(1);
    CHECK_FALSE(rule.inspect(0));
    CHECK(rule.at_rest());
}

TEST_CASE(
    "workers are made up to the maximum, then the one with the fewest waiting gets the call") {
    tally totals;
    orleans_model model({.max = 2, .start_ns = 0}, chance(1, 0), totals, nullptr);
    model.arrive(0, 10 * ms);
    model.arrive(0, 30 * ms);
    CHECK(totals.starts() == 2);
    run_until(model, 0);
    model.arrive(ms, 10 * ms);  // behind the first: runs at 10
    model.arrive(ms, 10 * ms);  // behind the second: runs at 30
    CHECK(totals.starts() == 2);
    CHECK(model.calls_inside() == 4);
    run_until(model, 10 * ms);
    run_until(model, 20 * ms);  // the first is idle, yet the other's queue is its own
    CHECK(model.calls_inside() == 2);
    run_until(model, 40 * ms);
    CHECK(model.calls_inside() == 0);
    CHECK(totals.waits().max() == 29 * ms);
    CHECK(totals.actors_max() == 2);
}

TEST_CASE("an idle worker that never saw waiting is collected after a quarter of an hour") {
    tally totals;
    orleans_model model({.max = 8, .start_ns = 0}, chance(1, 0), totals, nullptr);
    model.arrive(0, ms);
    run_until(model, 900 * second);
    CHECK(model.next_ns() != never);  // idle since 1 ms: not yet as old
    run_until(model, 960 * second);
    CHECK(model.next_ns() == never);
    totals.settle(2'000 * second);
    CHECK(totals.actor_seconds() == Approx(960));
}

TEST_CASE("after waiting, idle workers end one at an inspection") {
    tally totals;
    orleans_model model({.max = 2, .start_ns = 0}, chance(1, 0), totals, nullptr);
    for (int i = 0; i < 4; ++i) model.arrive(0, 600 * ms);
    run_until(model, 499 * ms);
    CHECK(model.calls_inside() == 4);
    // At 0.5 s two wait for two workers; all is done at 1.2 s. The signals: at 0.5 s -1.381, none
    // idle; at 1.0 s nothing waits, 0.012; at 1.5 s -0.468, of two the one ends, and the integral
    // is halved; at 2.0 s -0.234, and the other ends.
    run_until(model, 1'999 * ms);
    CHECK(model.next_ns() == 2'000 * ms);
    run_until(model, 2'000 * ms);
    CHECK(model.next_ns() == never);
    totals.settle(10 * second);
    CHECK(totals.actor_seconds() == Approx(3.5));
}
