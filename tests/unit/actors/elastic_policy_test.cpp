// SPDX-License-Identifier: Apache-2.0
#include "actors/elastic_policy.hpp"

#include "tests/support/catch.hpp"

#include <cmath>
#include <vector>

using namespace dunlin::actors;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;

elastic_view with_idle(const std::vector<std::int64_t>& idle, std::size_t busy = 0) {
    return {.busy = busy, .starting = 0, .queued = 0, .idle_since_ns = idle};
}

// Teaches a rate of arrivals and a service time, with one call at a time, and looks as it goes.
std::int64_t teach(elastic_policy& policy, std::int64_t every_ns, std::int64_t service_ns,
                   std::int64_t for_ns) {
    std::int64_t look = elastic_policy::look_every_ns;
    for (std::int64_t now = 0; now < for_ns; now += every_ns) {
        for (; look <= now; look += elastic_policy::look_every_ns)
            (void)policy.look(look, {.busy = 1});
        policy.arrived(now);
        policy.ended(service_ns);
    }
    return look;
}

}  // namespace

TEST_CASE("a call starts an activation when none is idle, below the ceiling") {
    const elastic_policy policy({.min = 0, .max = 2});
    const std::vector<std::int64_t> idle{0};

    CHECK(policy.on_call({.queued = 1}).start);
    CHECK(policy.on_call({.queued = 1}).reason == scaling_reason::none_idle);
    CHECK(policy.on_call({.busy = 1, .queued = 1}).start);

    const auto full = policy.on_call({.busy = 2, .queued = 1});
    CHECK_FALSE(full.start);
    CHECK(full.reason == scaling_reason::at_maximum);

    const auto lucky = policy.on_call(with_idle(idle));
    CHECK_FALSE(lucky.start);
    CHECK(lucky.reason == scaling_reason::one_idle);
}

TEST_CASE("never are two activations started for one call") {
    const elastic_policy policy({.max = 100});
    // Of three that start and three that wait, each has its own.
    const auto decision = policy.on_call({.starting = 3, .queued = 3});
    CHECK_FALSE(decision.start);
    CHECK(decision.reason == scaling_reason::start_under_way);
    CHECK(policy.on_call({.starting = 3, .queued = 4}).start);
}

TEST_CASE("what is useful lowers the ceiling, and the minimum raises it") {
    CHECK(elastic_bounds{.max = 100, .useful = 2}.ceiling() == 2);
    CHECK(elastic_bounds{.max = 2, .useful = 100}.ceiling() == 2);
    CHECK(elastic_bounds{.min = 5, .max = 100, .useful = 2}.ceiling() == 5);

    const elastic_policy policy({.max = 100, .useful = 2});
    CHECK(policy.on_call({.busy = 2, .queued = 1}).reason == scaling_reason::at_useful);
}

TEST_CASE("looks begin when an activation becomes idle and end when none is") {
    elastic_policy policy({});
    CHECK(policy.look_at_ns() == elastic_policy::never);
    policy.arrived(second);
    policy.ended(5 * ms);
    policy.became_idle(second + 5 * ms);
    CHECK(policy.look_at_ns() == second + 15 * ms);
    policy.became_idle(second + 6 * ms);  // the look that is planned will do
    CHECK(policy.look_at_ns() == second + 15 * ms);

    const std::vector<std::int64_t> idle{second + 5 * ms};
    const auto decision = policy.look(second + 15 * ms, with_idle(idle));
    CHECK(decision.retire == 1);
    CHECK(decision.reason == scaling_reason::dearer_than_start);
    CHECK(decision.next_ns == elastic_policy::never);
    CHECK(policy.look_at_ns() == elastic_policy::never);
}

TEST_CASE("an idle activation stays while the next call is nearer than a start's worth") {
    // A start of 100 us is worth 0.2 s. With a call every 10 ms the next one is.
    elastic_policy often({});
    const auto now = teach(often, 10 * ms, ms, 20 * second);
    const std::vector<std::int64_t> one{now - 5 * second};
    auto decision = often.look(now, with_idle(one));
    CHECK(decision.retire == 0);
    CHECK(decision.reason == scaling_reason::within_price);
    CHECK(decision.arrivals_per_second == Approx(100).epsilon(0.05));
    CHECK(decision.service_seconds == Approx(0.001));
    CHECK(decision.price_seconds == Approx(0.2).epsilon(0.01));

    // With one every second it is not.
    elastic_policy seldom({});
    const auto later = teach(seldom, second, ms, 60 * second);
    const std::vector<std::int64_t> other{later - 5 * ms};
    decision = seldom.look(later, with_idle(other));
    CHECK(decision.retire == 1);
    CHECK(decision.arrivals_per_second < 3);
}

TEST_CASE("as many stay as the mean first passage allows") {
    // 100 calls a second of 20 ms are two busy ones. From b = 2 busy, the passage to b + i takes
    // 1/l = 10 ms; then (1 + 3/2) * 10 = 25 ms more than the step before... computed by hand:
    // steps in ms from 2 to 3: 10; to 4: 10 * (1 + 3 * 10 / 20) = 25; to 5: 10 * (1 + 4 * 25 / 20)
    // = 60; to 6: 10 * (1 + 5 * 60 / 20) = 160. Sums: 10, 35, 95, 255. The price is 200.
    elastic_policy policy({.max = 100});
    std::int64_t now = 0;
    for (int i = 0; i < 4'000; ++i) {
        now += 10 * ms;
        policy.arrived(now - 5 * ms);
        policy.ended(20 * ms);
        (void)policy.look(now, {.busy = 2});
    }
    std::vector<std::int64_t> idle(10, now);
    now += 10 * ms;
    policy.arrived(now - 5 * ms);
    policy.ended(20 * ms);
    CHECK(policy.look(now, with_idle(idle, 2)).retire == 7);
}

TEST_CASE("the first passage decides as the gambler's ruin that it was derived from") {
    // The i-th of the idle ones is kept while price * P(use before a fall below b) exceeds the
    // expected time of that race, computed here as such.
    const auto worth = [](const look_decision& by, std::size_t busy, std::size_t i) {
        const double l = by.arrivals_per_second;
        double use = 1;
        double time = 0;
        for (auto j = busy + i; j-- > busy;) {
            const double both = l + static_cast<double>(j) / by.service_seconds;
            const double up = l / both;
            const double stays = 1 - up * (1 - use);
            time = (1 / both + up * time) / stays;
            use = up * use / stays;
        }
        return by.price_seconds * use > time;
    };
    for (const std::int64_t every : {ms / 2, 2 * ms, 10 * ms, 50 * ms, 150 * ms})
        for (const std::size_t busy : {0u, 1u, 3u, 10u, 40u}) {
            elastic_policy policy({.max = 1'000});
            const auto now = teach(policy, every, 20 * ms, 10 * second);
            const std::vector<std::int64_t> idle(200, now);
            const auto decision = policy.look(now, with_idle(idle, busy));
            const auto kept = idle.size() - decision.retire;
            INFO(every << " ns apart, " << busy << " busy, " << kept << " kept");
            if (kept > 0) CHECK(worth(decision, busy, kept));
            CHECK_FALSE(worth(decision, busy, kept + 1));
        }
}

TEST_CASE("the minimum stays, however long it is idle, and asks for no look") {
    elastic_policy policy({.min = 2, .max = 10});
    CHECK(policy.missing(0) == 2);
    CHECK(policy.missing(2) == 0);
    CHECK(policy.missing(9) == 0);
    policy.became_idle(0);
    const std::vector<std::int64_t> idle{0, 0, 0};
    const auto first = policy.look(100 * second, with_idle(idle));
    CHECK(first.retire == 1);
    CHECK(first.next_ns == elastic_policy::never);
    const std::vector<std::int64_t> two{0, 0};
    const auto second_look = policy.look(200 * second, with_idle(two));
    CHECK(second_look.retire == 0);
    CHECK(second_look.reason == scaling_reason::minimum_kept);
    // Busy ones count for it.
    const std::vector<std::int64_t> one{0};
    CHECK(policy.look(300 * second, with_idle(one, 2)).retire == 1);
}

TEST_CASE("a crowd that is not needed any more ends in several looks") {
    constexpr auto most = elastic_policy::retire_at_once_max;
    elastic_policy policy({.max = 3 * most});
    std::vector<std::int64_t> idle(2 * most + 1, 0);
    std::int64_t now = second;
    for (const std::size_t expected : {most, most, std::size_t{1}}) {
        const auto decision = policy.look(now, with_idle(idle));
        CHECK(decision.retire == expected);
        CHECK(decision.reason == scaling_reason::dearer_than_start);
        idle.resize(idle.size() - decision.retire);
        CHECK(decision.next_ns ==
              (idle.empty() ? elastic_policy::never : now + elastic_policy::look_every_ns));
        now += elastic_policy::look_every_ns;
    }
}

TEST_CASE("an author's idle time raises the time that an activation is kept") {
    elastic_policy policy({.idle = 10s});
    policy.became_idle(second);
    const std::vector<std::int64_t> idle{second, 4 * second};
    const auto early = policy.look(5 * second, with_idle(idle));
    CHECK(early.retire == 0);
    CHECK(early.reason == scaling_reason::within_idle_limit);
    CHECK(early.next_ns == 11 * second);
    const auto late = policy.look(11 * second, with_idle(idle));
    CHECK(late.retire == 1);
    CHECK(late.next_ns == 14 * second);
}

TEST_CASE("a dear start is worth more idle time, within limits") {
    const auto price_after = [](std::int64_t cost) {
        elastic_policy policy({});
        for (int i = 0; i < 200; ++i) policy.started(cost);
        const std::vector<std::int64_t> idle{0};
        return policy.look(second, with_idle(idle)).price_seconds;
    };
    CHECK(price_after(100'000) == Approx(0.2));
    CHECK(price_after(500'000) == Approx(1));
    CHECK(price_after(1'000) == Approx(0.05));
    CHECK(price_after(60 * second) == Approx(5));
    CHECK(price_after(-5) == Approx(0.05));
}

TEST_CASE("a service time that changes a thousandfold, and clocks that jump, do no harm") {
    elastic_policy policy({.max = 1'000});
    std::int64_t now = teach(policy, ms, ms / 10, 5 * second);
    for (const auto service : {100 * ms, ms / 10, 3'600 * second, std::int64_t{0}}) {
        for (int i = 0; i < 1'000; ++i) policy.ended(service);
        const std::vector<std::int64_t> idle(50, now);
        const auto decision = policy.look(now, with_idle(idle, 1));
        CHECK(decision.retire <= 50);
        CHECK(std::isfinite(decision.service_seconds));
        CHECK(decision.price_seconds > 0);
        now += 10 * ms;
    }
    // Backwards by an hour, with arrivals from the future; then forwards by a year.
    policy.arrived(now + 60 * second);
    const std::vector<std::int64_t> idle(50, now);
    const auto back = policy.look(now - 3'600 * second, with_idle(idle));
    CHECK(std::isfinite(back.arrivals_per_second));
    CHECK(back.retire <= 50);
    const auto ahead = policy.look(now + 365 * 86'400 * second, with_idle(idle));
    CHECK(std::isfinite(ahead.arrivals_per_second));
    CHECK(ahead.retire == 50);
}

TEST_CASE("the bounds of a running function can be changed") {
    elastic_policy policy({.min = 0, .max = 1});
    CHECK_FALSE(policy.on_call({.busy = 1, .queued = 1}).start);
    policy.set_bounds({.min = 3, .max = 64});
    CHECK(policy.on_call({.busy = 1, .queued = 1}).start);
    CHECK(policy.missing(1) == 2);
    CHECK(policy.bounds().max == 64);
}

TEST_CASE("every reason has a sentence") {
    for (int i = 0; i <= static_cast<int>(scaling_reason::nothing_idle); ++i)
        CHECK(to_string(static_cast<scaling_reason>(i)) != "unknown");
}
