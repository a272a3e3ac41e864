// SPDX-License-Identifier: Apache-2.0
//
// What a call holds its function to: limits, error codes, and the end of everything it began.
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/actors/waiting_functions.hpp"

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

TEST_CASE("operations that a function leaves open end with it") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/hasty", [](call_view c) {
        c.host.sleep(c.call, 1'000'000, never, nullptr);
        leave_inner_call(c);
        return c.reply("done");
    }));
    const auto first = h.call_and_run(pool, "");
    CHECK(h.outcome(first) == "ok: done");
    CHECK(h.timers.armed.empty());
    REQUIRE(h.router.calls.size() == 1);
    CHECK(h.router.calls[0].call().stop.requested());
    h.router.calls[0].reply("late");
    h.pass(1s);
}

TEST_CASE("an inner call's timeout may be longer than all time, or over already") {
    actor_harness h;
    const auto timeout = GENERATE(std::chrono::nanoseconds::max(), -1ns, 5ms);
    auto& pool = h.make_waiting("test/outer", [&](call_view c) {
        const auto end = [c](auto code, auto&& data) { c.finish(std::to_string(code) + data); };
        c.invoke("test/inner", "", end, timeout);
    });
    const auto ticket = h.call_and_run(pool, "");
    h.pass(1ms);
    if (timeout < 0ns) {
        CHECK(h.outcome(ticket).starts_with("ok: 6"));
        return;
    }
    CHECK(h.outcome(ticket) == "open");
    h.pass(1h);
    if (timeout == 5ms) {
        CHECK(h.outcome(ticket).starts_with("ok: 6"));
        return;
    }
    CHECK(h.outcome(ticket) == "open");
    REQUIRE(h.router.calls.size() == 1);
    h.router.calls[0].reply("late");
    h.run();
    CHECK(h.outcome(ticket) == "ok: 0late");
}

TEST_CASE("an inner call keeps its trace when the call that made it has ended") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/hasty", [](call_view c) {
        leave_inner_call(c);
        return c.reply("done");
    }));
    const std::string sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    std::string frame = sent;
    std::uint32_t ticket = 0;
    auto work = h.bundle_of({""}, &ticket);
    (*work)[0].trace = frame;
    REQUIRE(h.submit(pool, work) == 1);
    h.run();
    CHECK(h.outcome(ticket) == "ok: done");
    frame.assign(frame.size(), 'x');  // as its memory is used for something else
    REQUIRE(h.router.calls.size() == 1);
    CHECK(h.router.calls[0].call().trace == sent);
}

TEST_CASE(
    "every error of a function reaches the caller as failed, but for a payload that does not fit") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/fails", [](call_view c) {
        c.reply("dropped");
        return c.fail(static_cast<errc>(std::stoi(std::string(c.payload))), "why");
    }));
    for (int code = 1; code <= 12; ++code) {
        const auto ticket = h.call_and_run(pool, std::to_string(code));
        CHECK(h.outcome(ticket) == (code == 2 ? "invalid_argument: why" : "failed: why"));
    }
    const auto unknown = h.call_and_run(pool, "4711");
    CHECK(h.outcome(unknown) == "failed: why");
}

TEST_CASE("a reply beyond the limit fails, and the next one is not affected") {
    actor_harness h;
    h.payload_bytes_max = 16;
    auto& pool =
        h.make_pool(h.function("test/echo", [](call_view c) { return c.reply(c.payload); }));
    const auto fits = h.call(pool, std::string(16, 'x'));
    const auto beyond = h.call(pool, std::string(17, 'x'));
    const auto next = h.call_and_run(pool, "y");
    CHECK(h.outcome(fits) == "ok: " + std::string(16, 'x'));
    CHECK(h.answers.failure(beyond).code == errc::failed);
    CHECK(h.outcome(next) == "ok: y");
}

TEST_CASE("a reply beyond the limit is found even when its function does not ask") {
    actor_harness h;
    auto body = [](call_view c) { return c.reply(c.payload); };
    auto& wide = h.make_pool(h.function("test/wide", body));
    h.call(wide, std::string(500, 'x'));  // leaves a large buffer for the next
    h.run();
    h.payload_bytes_max = 16;
    auto& narrow = h.make_pool(h.function("test/narrow", body));
    const auto ticket = h.call_and_run(narrow, std::string(400, 'x'));
    CHECK(h.outcome(ticket) == "failed: the reply exceeds the limit of 16 bytes");
}

TEST_CASE("a nested payload beyond the limit is the caller's mistake") {
    actor_harness h;
    h.payload_bytes_max = 16;
    auto& pool = h.make_pool(h.function("test/relay", relay, DUNLIN_ASYNC));
    const auto ticket = h.call_and_run(pool, std::string(17, 'x'));
    CHECK(h.outcome(ticket) == "invalid_argument: payload of 17 bytes exceeds the limit of 16");
    CHECK(h.router.calls.empty());
}

TEST_CASE("an invocation may have only so many operations under way") {
    actor_harness h;
    std::size_t refused = 0;
    std::size_t slept = 0;
    auto& pool = h.make_waiting("test/greedy", [&](call_view c) {
        for (std::size_t i = 0; i < limits::operations_max + 2; ++i)
            c.sleep(1ms, [&, c](std::int32_t code, const std::string&) {
                ++(code == 0 ? slept : refused);
                if (slept + refused == limits::operations_max + 2) c.finish("all");
            });
    });
    const auto ticket = h.call_and_run(pool, "");
    CHECK(refused == 2);
    CHECK(h.timers.armed.size() == limits::operations_max);
    h.pass(1ms);
    CHECK(slept == limits::operations_max);
    CHECK(h.outcome(ticket) == "ok: all");
}

TEST_CASE("a stop callback is called once, and never after the answer") {
    actor_harness h;
    int stops = 0;
    auto& pool = h.make_pool(h.function(
        "test/listens",
        [&](call_view c) {
            c.host.set_stop_callback(
                c.call, [](void* user) { ++*static_cast<int*>(user); }, &stops);
            return nap(c);
        },
        DUNLIN_ASYNC));
    h.call_and_run(pool, "1");
    h.pass(1ms);
    activation::stop(h.last, 0, errc::cancelled);
    h.run();
    CHECK(stops == 0);
    const auto ticket = h.call_and_run(pool, "1000");
    activation::stop(h.last, 0, errc::cancelled);
    CHECK(stops == 1);
    h.run();
    CHECK(stops == 1);
    CHECK(h.outcome(ticket) == "ok: 7 the caller withdrew the call");
}
