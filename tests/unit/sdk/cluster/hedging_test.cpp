// SPDX-License-Identifier: Apache-2.0
#include "cluster/hedging.hpp"

#include "cluster/random.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

using namespace dunlin::cluster;

namespace {

constexpr std::int64_t ms = 1'000'000;

}  // namespace

TEST_CASE("latency quantile is never too low and at most a quarter too high") {
    random_source random(1);
    for (const double mean : {2e3, 1e5, 1e7, 1e9}) {
        latency_quantile latency(95);
        for (int i = 0; i < 20'000; ++i) {
            latency.record(static_cast<std::int64_t>(-mean * std::log1p(-random.next_unit())));
        }
        const auto exact = mean * std::log(20.0);
        CHECK(static_cast<double>(latency.value_ns()) > 0.85 * exact);  // of 1000 samples
        CHECK(static_cast<double>(latency.value_ns()) < 1.45 * exact);
    }
    latency_quantile constant(95);
    constant.record(7 * ms);
    CHECK(constant.value_ns() >= 7 * ms);
    CHECK(constant.value_ns() <= 7 * ms * 5 / 4);
}

TEST_CASE("latency quantile follows a change within some hundred samples") {
    latency_quantile latency(95);
    for (int i = 0; i < 100'000; ++i) latency.record(1 * ms);
    CHECK(latency.value_ns() < 2 * ms);
    for (int i = 0; i < 200; ++i) latency.record(50 * ms);
    CHECK(latency.value_ns() >= 50 * ms);
    for (int i = 0; i < 8'000; ++i) latency.record(1 * ms);
    CHECK(latency.value_ns() < 2 * ms);
}

TEST_CASE("latency quantile takes any number") {
    latency_quantile latency(95);
    CHECK(latency.value_ns() == 0);
    for (const auto odd : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                           std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
        latency.record(odd);
        CHECK(latency.value_ns() > 0);
    }
    latency_quantile smallest(0);
    smallest.record(5 * ms);
    CHECK(smallest.value_ns() >= 5 * ms);
}

TEST_CASE("hedging waits until it knows the function") {
    hedging decision(0);
    for (std::uint64_t i = 1; i < hedging::samples_min; ++i) {
        decision.called();
        decision.answered(10 * ms);
    }
    CHECK_FALSE(decision.delay_ns());
    CHECK_FALSE(decision.may_hedge(0));
    decision.answered(10 * ms);
    REQUIRE(decision.delay_ns());
    CHECK(*decision.delay_ns() >= 10 * ms);
    CHECK(decision.may_hedge(0));
}

TEST_CASE("hedging sends the second copy after the slowest twentieth begins") {
    hedging decision(0);
    for (int i = 0; i < 1'000; ++i) decision.answered(i % 100 < 97 ? 10 * ms : 500 * ms);
    CHECK(*decision.delay_ns() >= 10 * ms);
    CHECK(*decision.delay_ns() < 13 * ms);
}

TEST_CASE("hedging copies three calls in a hundred at most, even if all are late") {
    hedging decision(0);
    int copies = 0;
    for (int i = 0; i < 10'000; ++i) {
        decision.called();
        decision.answered(10 * ms);
        copies += decision.may_hedge(i);
    }
    CHECK(copies <= 300);
    CHECK(copies >= 290);
}

TEST_CASE("hedging saves up only a few copies, and time alone brings none") {
    hedging decision(0);
    for (int i = 0; i < 100'000; ++i) {
        decision.called();
        decision.answered(10 * ms);
    }
    int copies = 0;
    while (decision.may_hedge(std::numeric_limits<std::int64_t>::max())) ++copies;
    CHECK(copies == 50);
    CHECK_FALSE(decision.may_hedge(std::numeric_limits<std::int64_t>::max()));
}

TEST_CASE("hedging never copies calls that are over in a moment") {
    hedging decision(0);
    for (int i = 0; i < 1'000; ++i) decision.answered(20'000);
    CHECK(*decision.delay_ns() == hedging::delay_ns_min);
}
