// SPDX-License-Identifier: Apache-2.0
//
// What activations do on the thread of a lane.
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;
using namespace std::chrono_literals;

TEST_CASE("a short function runs on the lane where its work arrives") {
    actor_harness h;
    recording_lane lane(h.system());
    bool inside = false;
    auto& pool = h.make_pool(h.function("test/echo", [&](call_view c) {
        inside = lane.inside;
        return c.reply(c.payload);
    }));
    const auto ticket = h.call(pool, "x");
    CHECK(lane.jobs.size() == 1);
    h.run();
    CHECK(h.outcome(ticket) == "ok: x");
    CHECK(inside);
    CHECK_FALSE(lane.inside);
}

TEST_CASE("nothing of the lane is touched from inside user code") {
    actor_harness h;
    recording_lane lane(h.system());
    auto& inner = h.make_pool(h.function("test/inner", [](call_view c) { return c.reply(""); }));
    h.router.connect(inner);
    // Left open when the function finishes, or ended by the stop.
    constexpr std::int64_t hour_ns = 3'600'000'000'000;
    const dunlin_completion ignored = [](void*, std::int32_t, const std::uint8_t*, std::size_t) {};
    int ends = 0;
    auto& outer = h.make_waiting("test/outer", [&](call_view c) {
        const auto end = [&, c](std::int32_t, const std::string&) {
            CHECK(lane.inside);
            if (++ends % 3 == 1) c.host.sleep(c.call, hour_ns, ignored, nullptr);
            if (ends % 3 == 0) c.host.finish(c.call);
        };
        c.sleep(1ms, end);
        c.invoke("test/inner", "", end, 5ms);
        c.invoke("test/elsewhere", "", end, 5ms);
    });
    const auto done = h.call_and_run(outer, "");
    h.pass(1ms);
    h.router.calls.back().fail(errc::failed, "no");
    h.run();
    CHECK(h.outcome(done) == "ok: ");
    const auto stopped = h.call_and_run(outer, "");
    activation::stop(h.last, 0, errc::cancelled);
    h.run();
    CHECK(h.outcome(stopped) == "ok: ");
    CHECK(ends == 6);
    CHECK_THAT(lane.violations, Catch::Matchers::Equals(std::vector<std::string>{}));
}

TEST_CASE("a function that turned out long is handed to the scheduler") {
    actor_harness h;
    recording_lane lane(h.system());
    auto& pool = h.make_pool(h.function("test/long", [&](call_view c) {
        h.time.advance(5ms);
        return c.reply("");
    }));
    h.call(pool, "");
    CHECK(lane.jobs.size() == 1);
    h.run();
    CHECK(pool.where() == placement::scheduler);
    h.call(pool, "");
    CHECK(lane.jobs.empty());
    h.run();
}

TEST_CASE("a bundle that takes longer than predicted is left in the middle") {
    actor_harness h;
    recording_lane lane(h.system());
    auto cost = 0ns;
    int runs = 0;
    auto& pool = h.make_pool(h.function("test/varies", [&](call_view c) {
        ++runs;
        h.time.advance(cost);
        return c.reply(c.payload);
    }));
    h.call_and_run(pool, "");
    cost = 2ms;
    runs = 0;
    std::uint32_t first = 0;
    h.submit(pool, h.bundle_of(std::vector<std::string>(10, "x"), &first));
    h.step();
    CHECK(runs == static_cast<int>(limits::invocations_per_look));
    CHECK(pool.where() == placement::scheduler);
    CHECK(h.outcome(first + 3) == "ok: x");
    CHECK(h.outcome(first + 4) == "open");
    h.run();
    CHECK(runs == 10);
    for (std::uint32_t i = 0; i < 10; ++i) CHECK(h.answers.count(first + i) == 1);
    CHECK(pool.status().invocations == 11);
    CHECK(pool.status().busy == 0);
}

TEST_CASE("a function that was taken off its lane is measured while it still runs") {
    actor_harness h;
    auto& pool = h.make_pool(h.function("test/echo", [](call_view c) { return c.reply(""); }));
    pool.record_held(5'000'000);
    CHECK(pool.where() == placement::scheduler);
    CHECK(pool.status().service_time_ns == 5'000'000);
}
