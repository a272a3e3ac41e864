// SPDX-License-Identifier: Apache-2.0
//
// Keyed calls in random lives of a store and its nodes; and that what is checked can fail.
#include "tests/sim/state_life.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <string>

using namespace dunlin::sim;

namespace {

constexpr std::uint64_t seeds = 40;

/// Whether one of the first lives is found out, without a protection.
bool found_out(const state_mutations& without) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed)
        for (const auto& each : run_state_life(seed, without).problems)
            if (each.find("is not linearizable") != std::string::npos) return true;
    return false;
}

}  // namespace

TEST_CASE("state in random lives of a store that fails is linearizable for each key") {
    std::uint64_t first = 1;
    std::uint64_t last = seeds;
    if (const auto* told = std::getenv("DUNLIN_SIM_SEED")) first = last = std::stoull(told);
    state_outcome all;
    for (auto seed = first; seed <= last; ++seed) {
        const auto life = run_state_life(seed);
        INFO("seed " << seed << "\n" << life.story);
        for (const auto& each : life.problems) UNSCOPED_INFO(each);
        REQUIRE(life.problems.empty());
        all.answered += life.answered;
        all.unknown += life.unknown;
        all.again += life.again;
        all.deaths += life.deaths;
        all.moves += life.moves;
        all.store_failures += life.store_failures;
        all.conflicts += life.conflicts;
        all.evicted += life.evicted;
    }
    if (first == last) return;
    // Otherwise they say little.
    CHECK(all.answered > 4'000);
    CHECK(all.unknown > 200);
    CHECK(all.again > 100);
    CHECK(all.deaths > 20);
    CHECK(all.moves > 200);
    CHECK(all.store_failures > 200);
    CHECK(all.conflicts > 40);
    CHECK(all.evicted > 40);
}

TEST_CASE("a life with state is the same when it is run again") {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        const auto once = run_state_life(seed);
        const auto again = run_state_life(seed);
        CHECK(once.story == again.story);
        CHECK(once.steps == again.steps);
        CHECK(once.answered == again.answered);
        CHECK(once.unknown == again.unknown);
    }
}

TEST_CASE("a store that says it has written and has not is found out") {
    CHECK(found_out({.store = {.writes_lost = true}}));
}

TEST_CASE("a store that takes writes from an old version is found out") {
    CHECK(found_out({.store = {.versions_ignored = true}}));
}

TEST_CASE("calls that are sent again and taken for new ones are found out") {
    CHECK(found_out({.names_lost = true}));
}

TEST_CASE("replies that leave before the store has what they depend on are found out") {
    CHECK(found_out({.replies_early = true}));
}
