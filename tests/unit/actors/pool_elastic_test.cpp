// SPDX-License-Identifier: Apache-2.0
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/actors/waiting_functions.hpp"

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

std::int32_t echo(call_view c) { return c.reply(c.payload); }

}  // namespace

TEST_CASE("a function that nobody calls has no activation, and a call starts one at once") {
    actor_harness h;
    auto& pool = h.make_elastic_pool(h.function("test/echo", echo), {});
    CHECK(pool.status().activations == 0);
    CHECK(h.looks.asked() == 0);
    const auto first = h.call(pool, "1");
    CHECK(pool.status().activations == 1);
    CHECK(pool.status().started == 1);
    h.run();
    CHECK(h.outcome(first) == "ok: 1");
    h.call_and_run(pool, "2");
    CHECK(pool.status().started == 1);  // the idle one took it
}

TEST_CASE("each call that finds no idle activation starts one, up to the ceiling") {
    actor_harness h;
    auto& pool = h.make_elastic_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {.max = 3}, 100);
    for (int i = 1; i <= 3; ++i) {
        h.call_and_run(pool, "1000");
        CHECK(pool.status().activations == static_cast<std::size_t>(i));
    }
    const auto waiting = h.call_and_run(pool, "1000");
    CHECK(pool.status().activations == 3);
    CHECK(pool.status().queued == 1);
    h.pass(1s);
    CHECK(pool.status().queued == 0);
    h.pass(1s);
    CHECK(h.outcome(waiting) == "ok: slept");
    CHECK(pool.status().busy == 0);
}

TEST_CASE("more activations than threads are of no use to a function that does not wait") {
    actor_harness h;
    auto& pool = h.make_elastic_pool(h.function("test/echo", echo), {.max = 50});
    for (int i = 0; i < 5; ++i) h.call(pool, "");
    CHECK(pool.status().activations == 2);  // one that runs on the one thread, one that is next
    CHECK(pool.status().queued == 3);
    h.run();
    CHECK(pool.status().invocations == 5);
}

TEST_CASE("idle activations end soon, the last one too, and only then nobody looks any more") {
    actor_harness h;
    auto& pool = h.make_elastic_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {});
    for (int i = 0; i < 20; ++i) h.call(pool, "10");
    h.run();
    CHECK(pool.status().activations == 20);
    CHECK(h.looks.asked() == 0);
    h.pass(10ms);
    REQUIRE(h.looks.asked() == 1);  // once for the pool
    std::int64_t looked = 0;
    for (; pool.status().activations != 0 && looked < 1000; ++looked) {
        h.advance(10ms);
        static_cast<void>(h.looks.make(h.time.now_ns()));
        h.run();
    }
    CHECK(looked < 100);  // well under a second for starts that take microseconds
    CHECK(pool.status().retired == 20);
    CHECK(h.looks.asked() == 0);
    const auto again = h.call_and_run(pool, "1");
    h.pass(1ms);
    CHECK(h.outcome(again) == "ok: slept");
    CHECK(pool.status().started == 21);
}

TEST_CASE("the minimum is there from the start and stays, and asks for no look") {
    actor_harness h;
    auto& pool = h.make_elastic_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {.min = 2});
    CHECK(pool.status().activations == 2);
    for (int i = 0; i < 5; ++i) h.call(pool, "10");
    h.run();
    CHECK(pool.status().activations == 5);
    h.pass(10ms);
    for (int i = 0; i < 1000; ++i) {
        h.advance(10ms);
        static_cast<void>(h.looks.make(h.time.now_ns()));
    }
    h.run();
    CHECK(pool.status().activations == 2);
    CHECK(h.looks.asked() == 0);
}

TEST_CASE("a pool tells for how long its activations have been there, and busy") {
    actor_harness h;
    auto& pool = h.make_elastic_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {.min = 2});
    h.advance(1s);
    CHECK(pool.status().existed_ns == 2'000'000'000);
    CHECK(pool.status().occupied_ns == 0);
    for (int i = 0; i < 3; ++i) h.call(pool, "500");
    h.run();
    h.pass(500ms);
    CHECK(pool.status().existed_ns == 3'500'000'000);
    CHECK(pool.status().occupied_ns == Approx(1'500'000'000).margin(300'000));
    CHECK(pool.status().arrived == 3);
    CHECK(pool.retire(1) == 1);
    h.advance(1s);
    CHECK(pool.status().existed_ns == 5'500'000'000);
}

TEST_CASE("settings of a running function count at once") {
    actor_harness h;
    auto& pool = h.make_elastic_pool(h.function("test/nap", nap, DUNLIN_ASYNC), {.max = 1}, 100);
    for (int i = 0; i < 5; ++i) h.call(pool, "1000");
    h.run();
    CHECK(pool.status().activations == 1);
    pool.set_scale({.max = 3});  // what waits and may run now starts
    CHECK(pool.status().activations == 3);
    CHECK(pool.status().queued == 2);
    pool.set_scale({.min = 6, .max = 8});
    CHECK(pool.status().activations == 6);
    CHECK(pool.status().queued == 0);
    CHECK(pool.scale().max == 8);
    h.pass(1s);
    h.pass(1s);
    CHECK(pool.status().busy == 0);
    for (int i = 0; i < 200; ++i) {
        h.advance(10ms);
        static_cast<void>(h.looks.make(h.time.now_ns()));
    }
    CHECK(pool.status().activations == 6);
    pool.set_scale({});  // what the minimum kept ends
    for (int i = 0; i < 200; ++i) {
        h.advance(10ms);
        static_cast<void>(h.looks.make(h.time.now_ns()));
    }
    h.run();
    CHECK(pool.status().activations == 0);
}
