// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/rehearse.hpp"

#include "runtime/rehearsal/model.hpp"
#include "tests/support/catch.hpp"

#include <cmath>

using namespace dunlin::runtime::rehearsal;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;

// Periods of the same length, for functions of the same service time.
trace load(std::int64_t period_ns, const std::vector<std::vector<std::uint32_t>>& counts,
           double service_ns) {
    trace made{"t", {}, {}};
    for (std::size_t i = 0; i <= counts.front().size(); ++i)
        made.edges_ns.push_back(static_cast<std::int64_t>(i) * period_ns);
    for (const auto& each : counts) made.functions.push_back({"", 1, service_ns, each});
    return made;
}

outcome run(const trace& of, const std::string& policy, const rehearsal_plan& plan) {
    return rehearse(of, *parse_policy(policy), plan, [](double) { return true; });
}

rehearsal_plan with(arrival_kind kind) {
    rehearsal_plan plan;
    plan.arrivals = kind;
    return plan;
}

struct spread {
    double mean = 0;
    double deviation = 0;
};

template <class Value>
spread spread_of(const timeline& of, std::size_t from, Value value) {
    double sum = 0;
    double squares = 0;
    const auto number = static_cast<double>(of.slots().size() - from);
    for (std::size_t i = from; i < of.slots().size(); ++i) {
        const double each = value(of.slots()[i]) / static_cast<double>(of.slot_ns());
        sum += each;
        squares += each * each;
    }
    const double mean = sum / number;
    return {mean, std::sqrt(squares / number - mean * mean)};
}

}  // namespace

TEST_CASE("one call costs one start, its service, and one look's time") {
    const auto made = run(load(10 * second, {{1, 0}}, 1e9), "dunlin", with(arrival_kind::even));
    CHECK(made.whole);
    CHECK(made.seconds == 20);
    CHECK(made.totals.starts() == 1);
    CHECK(made.totals.actors_max() == 1);
    CHECK(made.totals.busy_seconds() == 1);
    CHECK(made.totals.actor_seconds() == Approx(0.0001 + 1 + 0.01));
    CHECK(made.totals.waits().max() == 100'000);
    CHECK(made.oracle_ratio() == Approx(1.0101));
    CHECK(made.starts_per_second() == Approx(0.05));
}

TEST_CASE("a call that waits for a start is taken by an activation that ends before it") {
    // Two calls in 10 s, at 2.5 and 7.5; each takes 5.05 s and a start 0.1 s. The second finds the
    // first still running, which ends at 7.65; the start that was made for it at 7.6 is sooner.
    auto plan = with(arrival_kind::even);
    plan.start_ns = 100 * ms;
    const auto sooner = run(load(10 * second, {{2, 0}}, 5.05e9), "dunlin", plan);
    CHECK(sooner.totals.starts() == 2);
    CHECK(sooner.totals.waits().max() == 100 * ms);
    // With 4.95 s the first one ends at 7.55, takes the second call, and the start is for nobody.
    const auto later = run(load(10 * second, {{2, 0}}, 4.95e9), "dunlin", plan);
    CHECK(later.totals.starts() == 2);
    CHECK(later.totals.waits().quantile(0.5) == Approx(50 * ms).epsilon(0.01));
}

TEST_CASE("a fixed number is there from the beginning to the end, and calls wait for it") {
    const auto made = run(load(second, {{2, 0, 0}}, 1e9), "fixed:1", with(arrival_kind::even));
    CHECK(made.totals.starts() == 1);
    CHECK(made.totals.busy_seconds() == 2);
    CHECK(made.totals.actor_seconds() == 3);
    // At 0.25 and 0.75 s; the second runs at 1.25.
    CHECK(made.totals.waits().max() == second / 2);
}

TEST_CASE("all policies see the same calls") {
    auto plan = with(arrival_kind::poisson);
    plan.cv = 1;
    const auto of = load(second, {std::vector<std::uint32_t>(60, 50)}, 20e6);
    const auto dunlin = run(of, "dunlin", plan);
    for (const auto* other : {"knative", "knative:1.0", "orleans:1000", "fixed:50"}) {
        const auto made = run(of, other, plan);
        CHECK(made.totals.busy_seconds() == Approx(dunlin.totals.busy_seconds()));
        CHECK(made.totals.waits().count() == 3'000);
        CHECK(made.totals.actor_seconds() > made.totals.busy_seconds());
    }
    CHECK(run(of, "dunlin", plan).totals.actor_seconds() == dunlin.totals.actor_seconds());
    plan.seed = 2;
    CHECK(run(of, "dunlin", plan).totals.actor_seconds() != dunlin.totals.actor_seconds());
}

TEST_CASE("no call is lost: each runs or is refused") {
    const auto of = load(second, {{40'000, 0}}, 1e5);
    for (const auto* policy : {"dunlin", "knative", "orleans:2", "fixed:2"}) {
        auto plan = with(arrival_kind::burst);
        plan.bounds.max = 2;
        const auto made = run(of, policy, plan);
        INFO(policy);
        CHECK(made.totals.waits().count() + made.totals.refused() == 40'000);
        CHECK(made.totals.refused() == 40'000 - queue_max);
        CHECK(made.totals.actors_max() == 2);
    }
}

TEST_CASE("what exists at once is counted over all functions") {
    // Two functions whose calls overlap by half a second.
    const auto both = load(10 * second, {{1}, {1}}, 1e9);
    CHECK(run(both, "dunlin", with(arrival_kind::even)).totals.actors_max() == 2);
    auto apart = load(10 * second, {{1, 0}, {0, 1}}, 1e9);
    CHECK(run(apart, "dunlin", with(arrival_kind::even)).totals.actors_max() == 1);
    // The order of the functions makes no difference to the sums.
    const auto one = run(apart, "knative", with(arrival_kind::even));
    std::swap(apart.functions[0], apart.functions[1]);
    const auto other = run(apart, "knative", with(arrival_kind::even));
    CHECK(one.totals.actor_seconds() == other.totals.actor_seconds());
}

TEST_CASE("a compressed trace has shorter periods, bursts and baselines") {
    const auto of = load(60 * second, {{600, 0, 600, 0}}, 1e6);
    auto plan = with(arrival_kind::burst);
    plan.start_ns = 0;
    const auto slow = run(of, "knative", plan);
    plan.compress = 100;
    const auto fast = run(load(60 * second, {{600, 0, 600, 0}}, 1e6), "knative", plan);
    CHECK(slow.seconds == 240);
    CHECK(fast.seconds == Approx(2.4));
    // Calls of 1 ms are a hundred times longer beside the periods.
    CHECK(fast.totals.busy_seconds() == Approx(slow.totals.busy_seconds()));
    auto scaled = of;
    scaled.functions[0].service_ns = 1e4;
    const auto same = run(scaled, "knative", plan);
    CHECK(same.totals.starts() == slow.totals.starts());
    CHECK(same.totals.actor_seconds() * 100 == Approx(slow.totals.actor_seconds()).epsilon(0.01));
}

TEST_CASE("a rehearsal ends when its watcher says so, with the figures until then") {
    const auto of = load(second, {std::vector<std::uint32_t>(100, 10'000)}, 1e6);
    double told = 0;
    const auto made = rehearse(of, *parse_policy("dunlin"), {}, [&](double part) {
        told = part;
        return part < 0.5;
    });
    CHECK_FALSE(made.whole);
    CHECK(told >= 0.5);
    CHECK(made.seconds >= 50);
    CHECK(made.seconds < 60);
    CHECK(made.totals.waits().count() > 490'000);
    CHECK(made.totals.waits().count() < 600'000);
}

TEST_CASE("a trace without calls costs nothing") {
    const auto of = load(second, {{0, 0}}, 1e6);
    const auto made = run(of, "dunlin", {});
    CHECK(made.totals.starts() == 0);
    CHECK(made.totals.actor_seconds() == 0);
    CHECK(made.oracle_ratio() == 0);
    CHECK(made.seconds == 2);
}

TEST_CASE("a timeline has each slot's calls, actors and longest wait") {
    auto plan = with(arrival_kind::even);
    plan.recorded = {0};
    plan.slots = 10;
    const auto made = run(load(10 * second, {{1}}, 1.5e9), "dunlin", plan);
    REQUIRE(made.timelines.size() == 1);
    const auto& slots = made.timelines[0].slots();
    REQUIRE(slots.size() == 10);
    CHECK(slots[5].calls == 1);
    CHECK(slots[5].wait_max_ns == 100'000);
    CHECK(slots[4].actor_ns == 0);
    CHECK(slots[5].actor_ns == second);
    CHECK(slots[5].busy_ns == second - 100'000);
    CHECK(slots[6].busy_ns == 500 * ms + 100'000);
    CHECK(slots[6].actor_ns == 510 * ms + 100'000);
    CHECK(slots[7].actor_ns == 0);
}

TEST_CASE("bursts are served by starts, within 20 ms") {
    const auto of = load(60 * second, {{60'000, 120'000, 6'000}}, 20e6);
    auto plan = with(arrival_kind::burst);
    plan.cv = 1;
    const auto made = run(of, "dunlin", plan);
    CHECK(made.totals.refused() == 0);
    CHECK(made.totals.waits().quantile(0.99) < 20 * ms);
    CHECK(made.totals.actors_max() > 1'900);
}

TEST_CASE("idle time stays within its budget once the price is found", "[one-thread]") {
    // 600 calls a second of 20 ms: twelve busy ones. The first ten minutes find the price.
    constexpr std::size_t minutes = 40;
    const auto of = load(60 * second, {std::vector<std::uint32_t>(minutes, 36'000)}, 20e6);
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        auto plan = with(arrival_kind::poisson);
        plan.cv = 1;
        plan.seed = seed;
        plan.recorded = {0};
        plan.slots = minutes;
        const auto made = run(of, "dunlin", plan);
        const auto actors = spread_of(made.timelines[0], 10, [](auto& s) { return s.actor_ns; });
        const auto busy = spread_of(made.timelines[0], 10, [](auto& s) { return s.busy_ns; });
        CHECK(actors.mean / busy.mean < 1.27);
        CHECK(actors.mean / busy.mean > 1.15);
        CHECK(made.totals.waits().quantile(0.99) <= 100'000);
    }
}

TEST_CASE("under a steady load the number of actors is as steady as the load") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        auto plan = with(arrival_kind::poisson);
        plan.cv = 1;
        plan.seed = seed;
        plan.recorded = {0};
        plan.slots = 30'000;  // of 10 ms
        const auto of = load(60 * second, {std::vector<std::uint32_t>(5, 36'000)}, 20e6);
        const auto made = run(of, "dunlin", plan);
        const auto actors = spread_of(made.timelines[0], 6'000, [](auto& s) { return s.actor_ns; });
        const auto busy = spread_of(made.timelines[0], 6'000, [](auto& s) { return s.busy_ns; });
        CHECK(actors.deviation < 1.3 * busy.deviation);
    }
}

TEST_CASE("a function that is called now and then keeps nothing between its calls") {
    const auto of = load(60 * second, {std::vector<std::uint32_t>(120, 2)}, 500e6);
    const auto made = run(of, "dunlin", with(arrival_kind::poisson));
    CHECK(made.oracle_ratio() < 1.1);
    CHECK(made.totals.starts() <= 240);
    CHECK(made.totals.starts() >= 200);
}

TEST_CASE("declared bounds hold in a rehearsal") {
    auto plan = with(arrival_kind::poisson);
    plan.bounds = {.min = 3, .max = 5};
    const auto of = load(second, {{0, 1'000, 0, 0}}, 20e6);
    const auto made = run(of, "dunlin", plan);
    CHECK(made.totals.actors_max() == 5);
    CHECK(made.totals.actor_seconds() >= 3 * made.seconds);
    plan.bounds = {.max = 100, .idle = std::chrono::seconds(1)};
    const auto kept = run(load(second, {{1, 0, 0, 0}}, 20e6), "dunlin", plan);
    CHECK(kept.totals.actor_seconds() == Approx(1.0201));
}

TEST_CASE("policies are chosen by name") {
    CHECK(parse_policy("dunlin")->kind == policy_kind::dunlin);
    CHECK(parse_policy("knative")->utilisation == 0.7);
    CHECK(parse_policy("knative:1.0")->utilisation == 1);
    CHECK(parse_policy("knative:1.0")->name == "knative:1.0");
    CHECK(parse_policy("orleans")->number == 0);
    CHECK(parse_policy("orleans:8")->number == 8);
    CHECK(parse_policy("fixed:8")->number == 8);
    for (const auto* bad :
         {"", "dunlin:1", "knative:", "knative:0", "knative:1.1", "knative:nan", "knative:x",
          "orleans:0", "orleans:x", "fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:1000001"})
        CHECK_FALSE(parse_policy(bad));
    CHECK(parse_policy("knativ").error().detail ==
          "no policy is called 'knativ'; did you mean knative?");
    CHECK(parse_policy("lambda").error().detail.find("fixed:8 do") != std::string::npos);
}
