// SPDX-License-Identifier: Apache-2.0
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/actors/waiting_functions.hpp"

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

TEST_CASE("a function sees the facts of its invocation") {
    actor_harness h;
    std::string name;
    std::uint64_t id = 0;
    std::int64_t remaining_ns = 0;
    auto& pool = h.make_pool(h.function("test/facts", [&](call_view c) {
        const auto* info = c.host.info(c.call);
        name.assign(info->function, info->function_size);
        id = info->invocation_id;
        CHECK(info->trace == nullptr);
        CHECK(info->key == nullptr);
        CHECK(c.host.stop_requested(c.call) == 0);
        remaining_ns = c.host.remaining_ns(c.call);
        c.host.log(c.call, DUNLIN_LOG_INFO, "hello", 5);
        return c.reply("");
    }));
    const auto ticket = h.call_and_run(pool, "", h.time.now_ns() + 5000);
    CHECK(name == "test/facts");
    CHECK(id == ticket + 1);
    CHECK(remaining_ns == 5000);
    CHECK(h.log.lines == std::vector<std::string>{"test/facts: hello"});
    h.call_and_run(pool, "");
    CHECK(remaining_ns == no_deadline);
}

TEST_CASE("a function that waits holds its activation, and no other invocation starts") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/nap", nap, DUNLIN_ASYNC));
    const auto first = h.call(pool, "10");
    const auto second = h.call_and_run(pool, "0");
    CHECK(h.timers.armed.size() == 1);
    CHECK(pool.status().busy == 1);
    CHECK(pool.status().queued == 1);
    h.pass(9ms);
    CHECK(h.outcome(first) == "open");
    h.advance(1ms);
    h.step();
    CHECK(h.outcome(first) == "ok: slept");
    CHECK(h.outcome(second) == "open");
    h.run();
    h.pass(0ms);
    CHECK(h.outcome(second) == "ok: slept");
    CHECK(pool.status().busy == 0);
    CHECK(pool.status().invocations == 2);  // however many steps each took
}

TEST_CASE("a call to another function brings its reply back") {
    actor_harness h;
    auto& inner = h.make_pool(h.function(
        "test/inner", [](call_view c) { return c.reply("got " + std::string(c.payload)); }));
    auto& outer = h.make_pool(h.function("test/relay", relay, DUNLIN_ASYNC));
    h.router.connect(inner);
    const auto ticket = h.call_and_run(outer, "x");
    CHECK(h.outcome(ticket) == "ok: inner got x");
    CHECK(inner.status().invocations == 1);
}

TEST_CASE("a call to another function brings its error back") {
    actor_harness h;
    auto& inner = h.make_pool(
        h.function("test/inner", [](call_view c) { return c.fail(errc::failed, "broken"); }));
    auto& outer = h.make_pool(h.function("test/relay", relay, DUNLIN_ASYNC));
    h.router.connect(inner);
    const auto ticket = h.call_and_run(outer, "x");
    CHECK(h.outcome(ticket) == "failed: broken");
}

TEST_CASE("a nested call inherits what is left of the deadline, or has a shorter one") {
    actor_harness h;
    auto timeout = std::chrono::nanoseconds(0);
    auto& pool = h.make_waiting("test/outer", [&](call_view c) {
        const auto end = [c](auto code, auto&& data) {
            c.finish(std::to_string(code) + " " + data);
        };
        c.invoke("test/inner", "", end, timeout);
    });
    const auto due = h.time.now_ns() + 1'000'000;
    h.call_and_run(pool, "", due);
    REQUIRE(h.router.calls.size() == 1);
    CHECK(h.router.calls[0].call().deadline_ns == due);
    CHECK(h.timers.armed.empty());  // the outer call's own deadline is enough
    h.router.calls[0].reply("a");
    h.run();

    timeout = 300us;
    const auto ticket = h.call_and_run(pool, "", due);
    REQUIRE(h.router.calls.size() == 2);
    CHECK(h.router.calls[1].call().deadline_ns == h.time.now_ns() + 300'000);
    CHECK(h.timers.armed.size() == 1);
    h.pass(300us);
    CHECK(h.outcome(ticket) == "ok: 6 the call's deadline has passed");
    CHECK(h.router.calls[1].call().stop.requested());
    h.router.calls[1].reply("late");  // dropped
    h.run();
    CHECK(h.answers.count(ticket) == 1);
}

TEST_CASE("an answered operation takes its timer back") {
    actor_harness h;
    auto& pool = h.make_waiting("test/outer", [](call_view c) {
        c.invoke(
            "test/inner", "", [c](auto, auto&& data) { c.finish(data); }, 5ms);
    });
    const auto ticket = h.call_and_run(pool, "");
    CHECK(h.timers.armed.size() == 1);
    h.router.calls[0].reply("in time");
    h.run();
    CHECK(h.outcome(ticket) == "ok: in time");
    CHECK(h.timers.armed.empty());
}

TEST_CASE("a stop ends every operation with its reason") {
    actor_harness h;
    std::vector<std::string> ends;
    auto& pool = h.make_waiting("test/both", [&](call_view c) {
        const auto end = [&ends, c](std::int32_t code, const std::string& data) {
            ends.push_back(std::to_string(code) + " " + data);
            if (ends.size() == 2) c.finish("");
        };
        c.sleep(1h, end);
        c.invoke("test/inner", "", end);
    });
    const auto ticket = h.call_and_run(pool, "");
    CHECK(ends.empty());
    CHECK_FALSE(activation::stop(h.last, 0, errc::deadline_exceeded));  // it has started
    CHECK_FALSE(activation::stop(h.last, 0, errc::unavailable));
    h.run();
    CHECK(ends == std::vector<std::string>(2, "6 the call's deadline has passed"));
    CHECK(h.answers.count(ticket) == 1);
    CHECK(h.timers.armed.empty());
    CHECK(h.router.calls[0].call().stop.reason() == errc::deadline_exceeded);
    CHECK(pool.status().busy == 0);
}

TEST_CASE("a function that ignores a stop is held back by a timer") {
    actor_harness h;
    int naps = 0;
    std::function<void(call_view)> again = [&](call_view c) {
        c.sleep(1h, [&, c](std::int32_t code, const std::string&) {
            ++naps;
            CHECK(code == static_cast<std::int32_t>(errc::cancelled));
            if (naps < 4) return again(c);
            c.finish("enough");
        });
    };
    auto& pool = h.make_waiting("test/stubborn", again);
    const auto ticket = h.call_and_run(pool, "");
    activation::stop(h.last, 0, errc::cancelled);
    h.run();
    CHECK(naps == 1);
    for (int expected = 2; expected <= 4; ++expected) {
        h.pass(999us);
        CHECK(naps == expected - 1);
        h.pass(1us);
        CHECK(naps == expected);
    }
    CHECK(h.outcome(ticket) == "ok: enough");
}

TEST_CASE("a function that starts two operations for each that a stop ends does not run for ever") {
    actor_harness h;
    int open = 0;
    int ended = 0;
    std::function<void(call_view)> two = [&](call_view c) {
        for (int i = 0; i < 2; ++i) {
            ++open;
            c.sleep(1h, [&, c](std::int32_t, const std::string&) {
                ++ended;
                --open;
                if (ended < 3) two(c);
                if (open == 0) c.host.finish(c.call);
            });
        }
    };
    auto& pool = h.make_waiting("test/doubling", two);
    h.call_and_run(pool, "");
    activation::stop(h.last, 0, errc::cancelled);
    h.run();
    CHECK(ended == 2);
    CHECK(open == 4);
    h.pass(1ms);
    CHECK(ended == 6);
    CHECK(open == 0);
    CHECK(pool.status().busy == 0);
}

TEST_CASE("a function may finish while it still runs") {
    actor_harness h;
    auto& pool = h.make_waiting("test/early", [](call_view c) { c.finish("early"); });
    const auto ticket = h.call_and_run(pool, "");
    CHECK(h.outcome(ticket) == "ok: early");
    CHECK(pool.status().busy == 0);
}

TEST_CASE("a function that is not declared to wait may wait all the same") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/nap", nap));
    std::uint32_t first = 0;
    h.submit(pool, h.bundle_of({"1", "2", "3"}, &first));
    h.run();
    CHECK(h.timers.armed.size() == 1);
    for (int i = 0; i < 3; ++i) {
        h.pass(3ms);
    }
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(h.outcome(first + i) == "ok: slept");
    CHECK(pool.status().busy == 0);
}
