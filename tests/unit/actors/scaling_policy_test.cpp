// SPDX-License-Identifier: Apache-2.0
#include "actors/scaling_policy.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::actors;

TEST_CASE("fixed scaling wants its number from the start, whatever the load") {
    const fixed_scaling policy(4);
    CHECK(policy.initial() == 4);
    CHECK(policy.target({}) == 4);
    CHECK(policy.target({.activations = 4, .busy = 4, .queued = 100}) == 4);
}
