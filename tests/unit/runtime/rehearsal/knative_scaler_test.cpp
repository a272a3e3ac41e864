// SPDX-License-Identifier: Apache-2.0
//
// Knative's rule against steps computed by hand from what is published.
#include "runtime/rehearsal/knative_scaler.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace dunlin::runtime::rehearsal;

namespace {
constexpr std::int64_t second = 1'000'000'000;
}

TEST_CASE("knative's mean is over the seconds since the first note, and the window at most") {
    second_means means;
    CHECK(means.mean(10, 60) == 0);
    means.note(10, 6);
    CHECK(means.mean(11, 60) == 6);
    means.note(11, 2);
    CHECK(means.mean(12, 60) == 4);
    CHECK(means.mean(12, 6) == 4);
    for (std::int64_t at = 12; at < 20; ++at) means.note(at, 0);
    CHECK(means.mean(20, 60) == Approx(0.8));
    CHECK(means.mean(20, 6) == 0);
    // A second that was not seen counts as 0 inside the window; behind the last note it shortens
    // it.
    means.note(22, 6);
    CHECK(means.mean(23, 6) == 1);
    CHECK(means.mean(26, 6) == 2);
    CHECK(means.mean(29, 6) == 0);
    // Silence of a whole window starts anew.
    means.note(100, 8);
    CHECK(means.mean(101, 60) == 8);
}

TEST_CASE("knative's step is the mean by the target, rounded up") {
    kpa rule(0.7);
    CHECK(rule.step(2, 7, 7, 10) == 10);
    CHECK(rule.step(4, 7.1, 7.1, 10) == 11);
    CHECK_FALSE(rule.in_panic());
    // Down by half at a step.
    CHECK(rule.step(6, 0.7, 0.7, 10) == 5);
    CHECK(rule.step(8, 0, 0, 5) == 2);
    CHECK(rule.step(10, 0, 0, 2) == 1);
    CHECK(rule.step(12, 0, 0, 1) == 0);
}

TEST_CASE("knative panics at twice the pods, and does not go down for a minute after") {
    kpa rule(1);
    CHECK(rule.step(2, 1, 1.9, 1) == 2);  // ceil(1.9) / 1 is the threshold
    CHECK(rule.in_panic());
    CHECK(rule.step(4, 3, 12, 2) == 12);
    CHECK(rule.step(6, 3, 2, 12) == 12);   // not down
    CHECK(rule.step(64, 1, 1, 12) == 12);  // 60 s since 4: not yet over
    CHECK(rule.in_panic());
    CHECK(rule.step(66, 1, 1, 12) == 6);
    CHECK_FALSE(rule.in_panic());
}

TEST_CASE("knative goes up a thousandfold at most") {
    kpa rule(1);
    CHECK(rule.step(2, 5'000, 5'000, 1) == 1'000);
    CHECK(rule.step(4, 5'000, 5'000, 0) == 1'000);
}

TEST_CASE("a first call makes a step at once, and the last pod goes after a minute and a half") {
    knative_scaler scaler({.utilisation = 0.7, .min = 0, .max = 100});
    CHECK(scaler.initial() == 0);
    CHECK(scaler.look_at_ns() == never);
    scaler.arrived(10 * second);
    // The activator's one call, divided by 0.7, is two pods.
    CHECK(scaler.starts_for_call(10 * second, {.queued = 1}) == 2);
    // No other call does.
    scaler.arrived(10 * second);
    CHECK(scaler.starts_for_call(10 * second, {.starting = 2, .queued = 2}) == 0);
    CHECK(scaler.look_at_ns() == 11 * second);
    scaler.ended(10 * second + 1, 1);
    scaler.ended(10 * second + 1, 1);

    std::vector<std::int64_t> idle{10 * second, 10 * second};
    std::int64_t one_since = 0;
    std::int64_t none_since = 0;
    while (scaler.look_at_ns() != never) {
        const auto now = scaler.look_at_ns();
        const auto change = scaler.look(now, {.idle_since_ns = idle});
        CHECK(change.start == 0);
        REQUIRE(change.retire <= idle.size());
        idle.resize(idle.size() - change.retire);
        if (idle.size() == 1 && one_since == 0) one_since = now / second;
        if (idle.empty()) none_since = now / second;
    }
    // Panic of a minute since the last time over the threshold, at 10 or 11 s.
    CHECK(one_since >= 70);
    CHECK(one_since <= 74);
    CHECK(none_since >= 100);
    CHECK(none_since <= 104);
}

TEST_CASE("knative keeps to minimum and maximum") {
    knative_scaler scaler({.utilisation = 1, .min = 2, .max = 3});
    CHECK(scaler.initial() == 2);
    CHECK(scaler.look_at_ns() == second);
    for (int i = 0; i < 50; ++i) scaler.arrived(0);
    std::vector<std::int64_t> idle;
    (void)scaler.look(second, {.busy = 2, .queued = 48, .idle_since_ns = idle});
    CHECK(scaler.look(2 * second, {.busy = 2, .queued = 48, .idle_since_ns = idle}).start == 1);
    for (int i = 0; i < 50; ++i) scaler.ended(2 * second, 1);
    idle.assign(3, 0);
    for (int i = 0; i < 200; ++i) {
        const auto change = scaler.look(scaler.look_at_ns(), {.idle_since_ns = idle});
        idle.resize(idle.size() - change.retire);
    }
    CHECK(idle.size() == 2);
}
