// SPDX-License-Identifier: Apache-2.0
#include "actors/useful_concurrency.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>

using namespace dunlin::actors;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// Calls without pause on two cores: as many at a time as are useful, each of which waits for
/// `wait_ns` and computes for `compute_ns`.
struct load {
    useful_concurrency& of;
    std::int64_t now_ns = 0;

    void run(std::int64_t wait_ns, std::int64_t compute_ns, std::int64_t for_ns,
             std::size_t wanted) {
        for (const auto end_ns = now_ns + for_ns; now_ns < end_ns;) {
            const auto at_once = std::min(of.value(), wanted);
            // Two cores share what there is to compute: the calls of a round take that long at
            // least.
            const auto round_ns =
                std::max(wait_ns + compute_ns, static_cast<std::int64_t>(at_once) * compute_ns / 2);
            for (std::size_t i = 0; i < at_once; ++i) {
                now_ns += round_ns / static_cast<std::int64_t>(at_once);
                of.ended(round_ns, compute_ns, at_once, now_ns);
            }
        }
    }
};

}  // namespace

TEST_CASE("a function that computes ends at the cores, one that waits has all there may be") {
    useful_concurrency useful(2, 1000);
    load calls{useful};
    CHECK(useful.value() == 1000);  // nothing is known
    calls.run(50 * ms, 0, 2000 * ms, 1000);
    CHECK(useful.value() == 1000);
    calls.run(0, 10 * ms, 300'000 * ms, 1000);
    CHECK(useful.value() == 2);
    // It changes its ways, in a moment.
    calls.run(50 * ms, 0, 3000 * ms, 1000);
    CHECK(useful.value() == 1000);
}

TEST_CASE("a function that waits half of its time gets more than the cores, and not all") {
    useful_concurrency useful(2, 1000);
    load calls{useful};
    calls.run(10 * ms, 10 * ms, 200'000 * ms, 1000);
    CHECK(useful.value() >= 3);
    CHECK(useful.value() <= 8);
}

TEST_CASE("what is not held back learns nothing from idle cores") {
    useful_concurrency useful(2, 100);
    load calls{useful};
    calls.run(0, 10 * ms, 100'000 * ms, 100);
    REQUIRE(useful.value() == 2);
    for (int i = 0; i < 1000; ++i) {  // one at a time
        calls.now_ns += 100 * ms;
        useful.ended(10 * ms, 10 * ms, 1, calls.now_ns);
    }
    CHECK(useful.value() == 2);
}

TEST_CASE("clocks that jump leave the number within its bounds") {
    useful_concurrency useful(2, 64);
    useful.ended(-5, -5, 3, 100);
    useful.ended(1, 1, 3, -1'000'000'000'000);
    useful.ended(INT64_MAX / 4, INT64_MAX / 4, 64, INT64_MAX / 2);
    useful.ended(1, INT64_MAX / 4, 64, INT64_MAX / 2 + 1'000'000'000);
    CHECK(useful.value() >= 2);
    CHECK(useful.value() <= 64);
}
