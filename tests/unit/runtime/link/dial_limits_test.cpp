// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/dial_limits.hpp"

#include "tests/support/catch.hpp"

#include <cstddef>
#include <cstdint>

using dunlin::runtime::dial_limits;

TEST_CASE("a burst of connections begins at once, and so many a second afterwards") {
    dial_limits dials;
    std::int64_t now_ns = 77'000'000'000;
    std::int64_t begun = 0;
    while (dials.take(0, now_ns)) ++begun;
    CHECK(begun == dial_limits::burst);
    // For ten seconds, asking as often as it says.
    const auto end_ns = now_ns + 10 * dial_limits::second_ns;
    for (begun = 0; now_ns < end_ns; now_ns = dial_limits::again_ns(now_ns))
        while (dials.take(0, now_ns)) ++begun;
    CHECK(begun >= 10 * dial_limits::per_second - 1);
    CHECK(begun <= 10 * dial_limits::per_second + 1);
    // What was not used is a burst at most.
    now_ns += 3600 * dial_limits::second_ns;
    for (begun = 0; dials.take(0, now_ns);) ++begun;
    CHECK(begun == dial_limits::burst);
}

TEST_CASE("while many have not been answered no more begin") {
    dial_limits dials;
    CHECK_FALSE(dials.take(dial_limits::open_max, 1));
    CHECK(dials.take(dial_limits::open_max - 1, 1));
}
