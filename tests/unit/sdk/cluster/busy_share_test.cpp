// SPDX-License-Identifier: Apache-2.0
#include "cluster/busy_share.hpp"

#include "tests/support/catch.hpp"

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
