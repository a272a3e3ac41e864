// SPDX-License-Identifier: Apache-2.0
//
// A cluster's life with everything that can happen to it, made from one number.
//
// Half of the seeds are `mild`: losses of up to 1%, nodes that die, start again, drain and leave,
// and one after another pauses of up to 300 ms. There nobody who lives may be declared dead. The
// others are `wild`: long pauses, one-way and two-way partitions, leaping clocks, up to 10% loss,
// all at once. After either, faults end and all views have to become one within `heal_ns_max`.
// Pure: the same seed gives the same outcome.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::sim {

struct scenario_outcome {
    std::vector<std::string> problems;  // empty: all is well
    std::string story;                  // what happened, a line each
    std::int64_t heal_ns = 0;           // from the last fault to one view
    std::uint64_t steps = 0;
    bool wild = false;
};

/// One and a half times the period in which lists are compared.
inline constexpr std::int64_t heal_ns_max = 15'000'000'000;

[[nodiscard]] scenario_outcome run_membership_scenario(std::uint64_t seed);

}  // namespace dunlin::sim
