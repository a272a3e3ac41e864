// SPDX-License-Identifier: Apache-2.0
#include "actors/scaling_policy.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::actors;

TEST_CASE("eager fixed scaling wants its number from the start") {
    const fixed_scaling policy(4, fixed_scaling::start::eager);
    CHECK(policy.initial() == 4);
    CHECK(policy.target({}) == 4);
    CHECK(policy.target({.activations = 4, .busy = 4, .queued = 100}) == 4);
}

TEST_CASE("lazy fixed scaling follows the work up to its number and keeps what exists") {
    const fixed_scaling policy(4, fixed_scaling::start::lazy);
    CHECK(policy.initial() == 0);
    CHECK(policy.target({}) == 0);
    CHECK(policy.target({.activations = 0, .busy = 0, .queued = 1}) == 1);
    CHECK(policy.target({.activations = 2, .busy = 2, .queued = 1}) == 3);
    CHECK(policy.target({.activations = 3, .busy = 0, .queued = 0}) == 3);
    CHECK(policy.target({.activations = 4, .busy = 4, .queued = 9}) == 4);
}
