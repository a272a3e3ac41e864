// SPDX-License-Identifier: Apache-2.0
#include "cluster/busy_share.hpp"

#include "tests/support/catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

using dunlin::cluster::busy_share;

namespace {

constexpr std::int64_t ms = 1'000'000;

}  // namespace

TEST_CASE("busy share weighs time and not the number of changes") {
    busy_share often(0);
    busy_share seldom(0);
    for (int i = 1; i <= 1'000; ++i) often.advance(0.7, ms, i * ms);
    seldom.advance(0.7, ms, 1'000 * ms);
    CHECK(often.value() == Approx(seldom.value()));
    CHECK(often.value() == Approx(0.7).epsilon(0.01));
}

TEST_CASE("busy share follows within its window, which is longer for long calls") {
    busy_share quick(0);
    quick.advance(1, ms, 200 * ms);
    CHECK(quick.value() == Approx(0.632).epsilon(0.01));
    busy_share slow(0);
    slow.advance(1, 100 * ms, 200 * ms);
    CHECK(slow.value() == Approx(0.095).epsilon(0.01));
    quick.advance(0, ms, 5'000 * ms);
    CHECK(quick.value() < 0.001F);
}

TEST_CASE("busy share stays between 0 and 1 and heeds no clock that goes back") {
    busy_share share(0);
    share.advance(7, ms, 10'000 * ms);
    CHECK(share.value() == Approx(1));
    share.advance(0, ms, 10'000 * ms);
    share.advance(0, ms, -5);
    CHECK(share.value() == Approx(1));
    share.advance(-3, ms, 20'000 * ms);
    CHECK(share.value() == Approx(0).margin(1e-6));
    constexpr auto huge = std::numeric_limits<std::int64_t>::max();
    share.advance(std::numeric_limits<double>::quiet_NaN(), -huge, 20'001 * ms);
    CHECK(share.value() == Approx(0).margin(1e-6));
    share.advance(1, huge, huge);
    CHECK(share.value() >= 0);
    CHECK(share.value() <= 1);
}

TEST_CASE("busy share of servers that are used half of the time comes to say so") {
    busy_share share(0);
    std::int64_t used_ns = 0;
    for (std::int64_t now_ns = 0; now_ns < 4'000 * ms; now_ns += 20 * ms) {
        share.sample(used_ns, 4, ms, now_ns);
        used_ns += 4 * 10 * ms;  // of 4 servers, 10 ms each in 20
    }
    CHECK(share.value() == Approx(0.5).margin(0.01));
}

TEST_CASE("busy share forgets what was long ago within a few windows") {
    busy_share share(0);
    std::int64_t used_ns = 0;
    std::int64_t now_ns = 0;
    for (; now_ns < 1'000 * ms; now_ns += 20 * ms) {
        share.sample(used_ns, 1, ms, now_ns);
        used_ns += 20 * ms;
    }
    CHECK(share.value() > 0.95F);
    for (const auto end = now_ns + 1'000 * ms; now_ns < end; now_ns += 20 * ms)
        share.sample(used_ns, 1, ms, now_ns);
    CHECK(share.value() < 0.02F);
}

TEST_CASE("busy share heeds no samples that follow too soon, and stays in its range") {
    busy_share share(0);
    share.sample(5 * ms, 1, ms, 5 * ms);  // too soon to mean anything, and not lost
    CHECK(share.value() == 0.0F);
    CHECK_FALSE(share.is_due(0, 9 * ms));
    CHECK(share.is_due(0, 10 * ms));
    CHECK_FALSE(share.is_due(50 * ms, 10 * ms));
    share.sample(10 * ms, 1, ms, 10 * ms);
    CHECK(share.value() == Approx(1 - std::exp(-0.05)).epsilon(0.001));
    share.sample(100'000 * ms, 1, ms, 5'000 * ms);  // more than there was
    CHECK(share.value() == Approx(1));
    share.sample(0, 0, ms, 20'000 * ms);  // less than there was, of nobody
    CHECK(share.value() == Approx(0).margin(1e-6));
}
