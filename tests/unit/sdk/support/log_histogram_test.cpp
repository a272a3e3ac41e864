// SPDX-License-Identifier: Apache-2.0
#include "support/log_histogram.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

using dunlin::support::log_histogram;

TEST_CASE("an empty histogram has zeros") {
    const log_histogram empty;
    CHECK(empty.count() == 0);
    CHECK(empty.max() == 0);
    CHECK(empty.mean() == 0);
    CHECK(empty.quantile(0.5) == 0);
}

TEST_CASE("small values are exact") {
    log_histogram some;
    for (std::uint64_t value = 0; value < 256; ++value) some.record(value);
    CHECK(some.quantile(0.5) == 127);
    CHECK(some.quantile(1) == 255);
    CHECK(some.mean() == 127.5);
}

TEST_CASE("every value, however large, is off by less than half a percent") {
    std::uint64_t value = 1;
    while (value < (std::uint64_t{1} << 63)) {
        for (const auto near : {value, value + value / 3, value * 2 - 1}) {
            log_histogram one;
            one.record(near);
            one.record(~std::uint64_t{0});  // so that the maximum does not hide the error
            const auto found = static_cast<double>(one.quantile(0.5));
            const auto exact = static_cast<double>(near);
            CHECK(std::abs(found - exact) <= 0.005 * exact);
        }
        value *= 2;
    }
}

TEST_CASE("quantiles agree with those of the sorted values") {
    std::mt19937_64 random(20240607);
    std::lognormal_distribution<double> latency(std::log(100'000), 1.5);
    std::vector<std::uint64_t> values(100'000);
    log_histogram all;
    for (auto& value : values) {
        value = static_cast<std::uint64_t>(latency(random));
        all.record(value);
    }
    std::sort(values.begin(), values.end());
    for (const double part : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto rank = static_cast<std::size_t>(std::ceil(part * 100'000));
        const auto exact = static_cast<double>(values[rank - 1]);
        CHECK(std::abs(static_cast<double>(all.quantile(part)) - exact) <= 0.005 * exact);
    }
    CHECK(all.max() == values.back());
}

TEST_CASE("two histograms add up") {
    log_histogram low;
    log_histogram high;
    for (int i = 0; i < 99; ++i) low.record(10);
    high.record(5000);
    low.add(high);
    CHECK(low.count() == 100);
    CHECK(low.max() == 5000);
    CHECK(low.quantile(0.99) == 10);
    CHECK(low.quantile(1) == Approx(5000).epsilon(0.005));
}
