// SPDX-License-Identifier: Apache-2.0
#include "actors/activation.hpp"
#include "actors/decision_log.hpp"
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

std::int32_t echo(call_view c) { return c.reply(c.payload); }

}  // namespace

TEST_CASE("pool refuses the tail of a bundle for which its queue has no room") {
    actor_harness h;
    auto& pool =
        h.make_pool(h.function("test/echo", echo), {.activations = 1, .queue_depth_max = 3});
    const auto running = h.call(pool, "running");
    std::uint32_t first = 0;
    CHECK(h.submit(pool, h.bundle_of({"a", "b", "c", "d", "e"}, &first)) == 3);
    CHECK(h.outcome(first + 2) == "open");
    CHECK(h.outcome(first + 3) == "overloaded: queue full");
    CHECK(h.outcome(first + 4) == "overloaded: queue full");
    CHECK(h.answers.failure(first + 4).retry_after >= 1ms);
    CHECK(pool.status().refused == 2);
    const auto late = h.call(pool, "late");
    CHECK(h.outcome(late) == "overloaded: queue full");
    CHECK(pool.status().refused == 3);
    h.run();
    CHECK(h.outcome(running) == "ok: running");
    CHECK(h.outcome(first) == "ok: a");
    CHECK(h.outcome(first + 2) == "ok: c");
    CHECK(h.answers.count(first + 4) == 1);
    CHECK(h.outcome(h.call(pool, "again")) == "open");
    h.run();
}

TEST_CASE("pool tells a refused caller the time its queue needs to empty") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/slow",
                                        [&](call_view c) {
                                            h.time.advance(10ms);
                                            return c.reply("");
                                        }),
                             {.activations = 2, .queue_depth_max = 8});
    h.call_and_run(pool, "measured");
    for (int i = 0; i < 10; ++i) h.call(pool, "");
    CHECK(pool.status().queued == 8);
    CHECK(pool.retry_after() == 80ms);  // eight of 10 ms, on one thread
    h.run();
    CHECK(pool.retry_after() == 1ms);
}

TEST_CASE("a stop for an invocation that its pool refused changes nothing") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/echo", echo), {.queue_depth_max = 1});
    h.call(pool, "runs");
    std::uint32_t first = 0;
    const auto work = h.bundle_of({"a", "b"}, &first);
    h.submit(pool, work);
    activation::stop(work, 1, errc::cancelled);
    h.run();
    CHECK(h.outcome(first) == "ok: a");
    CHECK(h.outcome(first + 1) == "overloaded: queue full");
}

TEST_CASE("a refused call is told why, when to come back, and which record tells of it") {
    decision_log decisions("n1");
    actor_harness h;
    auto env = h.env();
    env.decisions = &decisions;
    pool echoes(h.system(), env, h.function("bench/echo", echo), {.max = 1}, 2);
    const auto why = echoes.refusal({.reason = admission_reason::full}, 3);
    CHECK(why.code == errc::overloaded);
    CHECK(why.retry_after == 1ms);
    CHECK(why.did_not_run);
    CHECK(why.detail ==
          "the queue of bench/echo is full (2 waiting); try again in 1 ms (dunlin explain "
          "bench/echo --record n1/1)");
    const auto found = decisions.newest({.function = "bench/echo", .limit = 10});
    REQUIRE(found.records.size() == 1);
    CHECK(found.records.front().what.kind == decision_kind::refuse);
    CHECK(found.records.front().what.rule == "its queue was full");
    CHECK(found.records.front().amount == 3);
    const auto late = echoes.refusal(
        {.reason = admission_reason::too_late, .wait_ns = 1'500'000, .retry_after_ns = 7'000'000});
    CHECK(late.retry_after == 7ms);
    CHECK_THAT(late.detail, Catch::StartsWith("the call of bench/echo would wait for 2 ms and end "
                                              "too late; try again in 7 ms"));
    const auto shed = echoes.refusal({.reason = admission_reason::out_of_time});
    CHECK(shed.code == errc::deadline_exceeded);
    CHECK(shed.did_not_run);
    echoes.shut_down();
}

TEST_CASE("a call that cannot end in time is refused at once, and one that could is not") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/slow",
                                        [&](call_view c) {
                                            h.time.advance(10ms);
                                            return c.reply("");
                                        }),
                             {.queue_depth_max = 100});
    h.call_and_run(pool, "measured");
    h.call(pool, "runs");
    const auto in = [&](std::chrono::nanoseconds time) { return h.time.now_ns() + time.count(); };
    std::vector<std::uint32_t> taken;
    for (int i = 0; i < 3; ++i) taken.push_back(h.call(pool, "", in(100ms)));
    for (const auto ticket : taken) CHECK(h.outcome(ticket) == "open");
    const auto late = h.call(pool, "", in(40ms));  // would wait for about as long
    CHECK(h.outcome(late) == "overloaded: queue full");
    CHECK(pool.status().refused == 1);
    h.run();
    for (const auto ticket : taken) CHECK(h.outcome(ticket) == "ok: ");
}

TEST_CASE("what cannot end in time any more when its turn comes is not run, and is told so") {
    actor_harness h;
    int runs = 0;
    auto& pool = h.make_pool(h.function("test/slow",
                                        [&](call_view c) {
                                            ++runs;
                                            h.time.advance(c.payload == "hang" ? 1s : 10ms);
                                            return c.reply("");
                                        }),
                             {.queue_depth_max = 100});
    h.call_and_run(pool, "measured");
    h.call(pool, "hang");
    const auto given_up =
        h.call(pool, "", h.time.now_ns() + std::chrono::nanoseconds(500ms).count());
    const auto waits = h.call(pool, "");
    h.run();
    CHECK_THAT(h.outcome(given_up),
               Catch::StartsWith("deadline_exceeded: the deadline of test/slow "
                                 "could not be met any more"));
    CHECK(h.outcome(waits) == "ok: ");
    CHECK(runs == 3);
    CHECK(pool.status().shed == 1);
    CHECK(pool.status().queued == 0);
    CHECK(pool.wait(h.time.now_ns()).idle == 1);  // nothing counts as unanswered
}

TEST_CASE("a caller with a full queue makes room for one that has little there") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/echo", echo), {.queue_depth_max = 10});
    h.call(pool, "runs");
    const auto call_as = [&](std::uint64_t caller) {
        std::uint32_t ticket = 0;
        auto work = h.bundle_of({"x"}, &ticket);
        work->set_caller(caller);
        h.submit(pool, std::move(work));
        return ticket;
    };
    std::vector<std::uint32_t> many;
    for (int i = 0; i < 12; ++i) many.push_back(call_as(1));
    CHECK(h.outcome(many[9]) == "open");
    CHECK(h.outcome(many[10]) == "overloaded: queue full");
    const auto polite = call_as(2);
    CHECK(h.outcome(polite) == "open");
    CHECK_THAT(h.outcome(many[9]), Catch::StartsWith("overloaded: the queue of test/echo is full, "
                                                     "and another caller has less"));
    for (int i = 0; i < 3; ++i) h.step();
    CHECK(h.outcome(polite) == "ok: x");  // its turn came before most of the other's
    h.run();
    CHECK(h.outcome(many[8]) == "ok: x");
    CHECK(pool.status().refused == 3);
    CHECK(pool.status().arrived == 14);  // one call each, also those that were refused
}
