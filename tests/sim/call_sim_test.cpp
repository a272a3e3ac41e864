// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/call_scenario.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>
#include <cstdlib>
#include <iostream>

using namespace dunlin::sim;

TEST_CASE("calls in random lives of clusters have one answer each") {
    std::uint64_t first = 1;
    std::uint64_t last = 20;
    const char* chosen = std::getenv("DUNLIN_CALL_SEED");
    if (chosen != nullptr) first = last = std::strtoull(chosen, nullptr, 10);
    for (auto seed = first; seed <= last; ++seed) {
        const auto outcome = run_call_scenario(seed);
        if (chosen != nullptr) std::cout << outcome.story;
        for (const auto& problem : outcome.problems) {
            INFO("DUNLIN_CALL_SEED=" << seed << " runs this one alone");
            FAIL_CHECK(problem);
        }
    }
}
