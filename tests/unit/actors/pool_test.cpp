// SPDX-License-Identifier: Apache-2.0
#include "cluster/spread.hpp"
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/actors/waiting_functions.hpp"

#include <condition_variable>
#include <mutex>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

std::int32_t echo(call_view c) { return c.reply(c.payload); }

/// A door that blocking functions wait at.
class door {
public:
    void pass() {
        std::unique_lock lock(mutex_);
        opened_.wait(lock, [&] { return open_; });
    }
    void open() {
        std::lock_guard lock(mutex_);
        open_ = true;
        opened_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool open_ = false;
};

}  // namespace

TEST_CASE("pool hands an invocation to an idle activation at once") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/echo", echo), {.activations = 2});
    CHECK(pool.status().activations == 2);
    const auto first = h.call(pool, "a");
    const auto second = h.call(pool, "b");
    CHECK(pool.status().busy == 2);
    CHECK(pool.status().queued == 0);
    CHECK(h.outcome(first) == "open");
    CHECK(h.step());
    CHECK(h.outcome(first) == "ok: a");
    CHECK(h.outcome(second) == "open");
    h.run();
    CHECK(h.outcome(second) == "ok: b");
    CHECK(pool.status().busy == 0);
    CHECK(pool.status().invocations == 2);
}

TEST_CASE("pool runs what waits in the order of arrival") {
    actor_harness h;
    std::vector<std::string> order;
    auto& pool = h.make_pool(h.function("test/note", [&](call_view c) {
        order.emplace_back(c.payload);
        return c.reply("");
    }));
    for (const auto* each : {"1", "2", "3", "4"}) h.call(pool, each);
    CHECK(pool.status().busy == 1);
    CHECK(pool.status().queued == 3);
    h.step();
    CHECK(order == std::vector<std::string>{"1"});
    CHECK(pool.status().queued == 2);  // the second is in the activation's mailbox
    h.run();
    CHECK(order == std::vector<std::string>{"1", "2", "3", "4"});
    CHECK(pool.status().busy == 0);
}

TEST_CASE("pool runs each activation of a blocking function on a thread of its own") {
    actor_harness h;
    door door;
    auto& pool = h.make_pool(h.function(
                                 "test/block",
                                 [&](call_view c) {
                                     door.pass();
                                     return c.reply(c.payload);
                                 },
                                 DUNLIN_BLOCKING),
                             {.activations = 2});
    CHECK(pool.status().activations == 2);
    CHECK(pool.where() == placement::threads);
    const auto first = h.call(pool, "1");
    const auto second = h.call(pool, "2");
    const auto third = h.call(pool, "3");
    CHECK(pool.status().queued == 1);
    CHECK(h.outcome(first) == "open");
    door.open();
    h.answers.wait_for(first, "the first answer of a blocking function");
    h.answers.wait_for(second, "the second answer of a blocking function");
    h.answers.wait_for(third, "the queued answer of a blocking function");
    CHECK(h.outcome(third) == "ok: 3");
}

TEST_CASE("pool sizes bundles by the work they are predicted to hold") {
    actor_harness h;
    auto cost = 10us;
    auto& pool = h.make_pool(h.function("test/timed", [&](call_view c) {
        h.time.advance(cost);
        return c.reply("");
    }));
    CHECK(pool.bundle_capacity() == 1);  // nothing is known
    h.call_and_run(pool, "");
    CHECK(pool.bundle_capacity() == 10);
    auto& instant = h.make_pool(h.function("test/echo", echo));
    h.call_and_run(instant, "");
    CHECK(instant.bundle_capacity() == limits::bundle_invocations_max);
    auto& waits = h.make_pool(h.function("test/waits", echo, DUNLIN_ASYNC));
    h.call_and_run(waits, "");
    CHECK(waits.bundle_capacity() == 1);
}

TEST_CASE("an invocation whose deadline has passed is answered without running") {
    actor_harness h;
    int runs = 0;
    auto& pool = h.make_pool(h.function("test/count", [&](call_view c) {
        ++runs;
        return c.reply("");
    }));
    const auto due = h.time.now_ns() + 1000;
    const auto ticket = h.call(pool, "", due);
    h.time.advance(1us);
    h.run();
    CHECK(h.outcome(ticket) ==
          "deadline_exceeded: the deadline of test/count passed before it ran; it did not run");
    CHECK(runs == 0);
    CHECK(pool.status().invocations == 0);
    CHECK(pool.status().busy == 0);
    const auto in_time = h.call_and_run(pool, "", h.time.now_ns() + 1);
    CHECK(h.outcome(in_time) == "ok: ");
}

TEST_CASE("an invocation whose deadline passes while others of its bundle run does not run") {
    actor_harness h;
    int runs = 0;
    auto cost = 1us;
    auto& pool = h.make_pool(h.function("test/count", [&](call_view c) {
        ++runs;
        h.time.advance(cost);
        return c.reply("");
    }));
    h.call_and_run(pool, "");
    REQUIRE(pool.bundle_capacity() >= 3);  // it is known as quick
    cost = 2ms;
    const auto due = h.time.now_ns() + 1'500'000;
    std::uint32_t first = 0;
    REQUIRE(h.submit(pool, h.bundle_of({"", "", ""}, &first, due)) == 3);
    h.run();
    CHECK(h.outcome(first) == "ok: ");
    for (const auto late : {first + 1, first + 2})
        CHECK(h.outcome(late) ==
              "deadline_exceeded: the deadline of test/count passed before it ran; it did not run");
    CHECK(runs == 2);
}

TEST_CASE("an invocation that was stopped while it waited does not run") {
    actor_harness h;
    int runs = 0;
    auto& pool = h.make_pool(h.function("test/count", [&](call_view c) {
        ++runs;
        return c.reply("");
    }));
    const auto ticket = h.call(pool, "");
    CHECK(activation::stop(h.last, 0, errc::cancelled));  // it never will
    CHECK(activation::stop(h.last, 0, errc::unavailable));
    CHECK(h.outcome(ticket) == "open");
    h.run();
    CHECK(h.outcome(ticket) == "cancelled: the caller withdrew the call");
    CHECK(runs == 0);
    CHECK(h.answers.count(ticket) == 1);
}

TEST_CASE("each invocation of a bundle gets one answer of its own") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/odd", [](call_view c) {
        return c.payload == "bad" ? c.fail(errc::failed, "no") : c.reply(c.payload);
    }));
    std::uint32_t first = 0;
    h.submit(pool, h.bundle_of({"a", "bad", "c"}, &first));
    h.run();
    CHECK(h.outcome(first) == "ok: a");
    CHECK(h.outcome(first + 1) == "failed: no");
    CHECK(h.outcome(first + 2) == "ok: c");
}

TEST_CASE("a pool whose calls hang is busy, and what they took counts once") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {.activations = 2});
    const auto busy = [&] { return pool.wait(h.time.now_ns()).busy; };
    const auto hanging = h.call_and_run(pool, "10000");
    CHECK(busy() == 0.0F);
    for (int i = 0; i < 100; ++i) {
        h.advance(50ms);
        static_cast<void>(busy());
    }
    CHECK(h.outcome(hanging) == "open");
    CHECK(busy() == Approx(0.5).margin(0.01));
    h.pass(6s);
    CHECK(h.outcome(hanging) == "ok: slept");
    // A look after its end finds nothing that was not seen before.
    CHECK(busy() == Approx(0.5).margin(0.01));
    h.advance(10s);
    CHECK(busy() < 0.2F);
}

TEST_CASE("a pool counts the time of functions that may wait and do not") {
    actor_harness h;
    auto& pool = h.make_pool(h.function(
        "test/quick",
        [&](call_view c) {
            h.time.advance(30ms);
            return c.reply("");
        },
        DUNLIN_ASYNC));
    for (int i = 0; i < 100; ++i) {
        h.call_and_run(pool, "");
        h.time.advance(30ms);
        static_cast<void>(pool.wait(h.time.now_ns()));
    }
    CHECK(pool.wait(h.time.now_ns()).busy == Approx(0.5).margin(0.02));
}

TEST_CASE("a pool that was shut down takes nothing and counts what still runs as busy") {
    actor_harness h;
    bool runs = false;
    auto& pool =
        h.make_waiting("test/pending", [&](call_view) { runs = true; }, {.activations = 2});
    h.call_and_run(pool, "");
    REQUIRE(runs);
    pool.shut_down();
    CHECK(pool.status().busy == 1);
    CHECK(h.outcome(h.call(pool, "late")) == "overloaded: queue full");
    pool.shut_down();
    CHECK(pool.status().activations == 2);
}

TEST_CASE(
    "a pool of which nothing has ended tells what is known so far, not what threads were held") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/nap", nap, DUNLIN_ASYNC),
                             {.activations = 2, .queue_depth_max = 100});
    const auto wait = [&] { return pool.wait(h.time.now_ns()); };
    CHECK(wait().step_ns == 0);
    CHECK(wait().idle == 2);
    for (int i = 0; i < 12; ++i) h.call(pool, "1000");
    h.run();  // two wait inside, and held a thread for no time at all
    CHECK(wait().step_ns == 0);
    CHECK(wait().idle == 0);
    CHECK(wait().wait_ns == 11 * cluster::step_unknown_ns);
    CHECK(pool.retry_after() == 10ms);
    h.advance(400ms);
    CHECK(wait().service_ns == 400'000'000);
    CHECK(wait().step_ns == 200'000'000);
    CHECK(wait().wait_ns == 11 * 200'000'000LL);
    CHECK(pool.retry_after() == 2s);
    h.pass(600ms);  // two have ended, after a second each
    static_cast<void>(wait());
    CHECK(wait().service_ns == 1'000'000'000);
    CHECK(pool.retry_after() == 4s);
    // One that hangs says nothing of the others while there is room beside it.
    for (int i = 0; i < 5; ++i) {
        h.pass(1s);
    }
    h.call_and_run(pool, "3600000");
    h.pass(100s);
    REQUIRE(wait().idle == 1);
    CHECK(wait().service_ns == 1'000'000'000);
}

TEST_CASE("a pool that is taken by calls which wait says so, and only then") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {.activations = 2});
    h.call_and_run(pool, "1000");
    CHECK(pool.why_queued().empty());
    h.call_and_run(pool, "1000");
    CHECK(pool.why_queued().empty());  // nothing is queued
    h.call_and_run(pool, "1000");
    CHECK(pool.why_queued() ==
          "; all 2 activations of test/nap are taken by calls that wait themselves: raise "
          "--activations if it calls itself, or if more of its calls are to wait at a time");
    h.pass(1s);
    CHECK(pool.why_queued().empty());
    auto& busy = h.make_pool(h.function("test/echo", echo));
    for (int i = 0; i < 3; ++i) h.call(busy, "");
    CHECK(busy.why_queued().empty());
    h.run();
}

TEST_CASE("each answered invocation is counted with its latency, wherever its bundle was left") {
    actor_harness h;
    recording_lane lane(h.system());
    auto cost = 0ns;
    auto& pool = h.make_pool(h.function("test/varies", [&](call_view c) {
        h.time.advance(cost);
        return c.payload == "nap" ? nap({c.host, c.call, "5"}) : c.reply("");
    }));
    const auto counted = [&] {
        std::uint64_t all = 0;
        for (std::size_t i = 0; i < latency_counts::buckets; ++i)
            all += pool.runs().latencies().count(i);
        return all;
    };
    const auto submit = [&](std::vector<std::string> payloads) {
        const auto work = h.bundle_of(payloads);
        for (std::uint32_t i = 0; i < work->size(); ++i) (*work)[i].arrived_ns = h.time.now_ns();
        REQUIRE(h.submit(pool, work) == payloads.size());
    };
    submit({""});
    h.run();
    CHECK(counted() == 1);
    cost = 2ms;  // it turns long, so the bundle is left in its middle
    submit(std::vector<std::string>(10, ""));
    h.step();
    CHECK(counted() == 1 + limits::invocations_per_look);
    h.run();
    CHECK(counted() == 11);
    submit({"", "", "nap", ""});
    h.run();
    CHECK(counted() == 13);  // the third waits
    h.pass(5ms);
    CHECK(counted() == 15);
}
