// SPDX-License-Identifier: Apache-2.0
//
// Calls in a cluster to which everything happens, made from one number.
//
// One to nine nodes that serve an idempotent function, one that is not, one for calls with keys,
// and one that calls another function, each of them on some nodes; clients that call them, withdraw
// some, and die. Half of the seeds are `mild`: nodes that die one at a time, are replaced, drain,
// pause for up to 300 ms, and connections that break. The others are `wild`: long pauses, one-way
// and two-way partitions, leaping clocks, hosts that are gone in silence, stragglers, all at once.
// After either, faults end: views become one, all clients are connected to all nodes, every
// function that is served answers, and nothing is left of any call. Pure: the same seed gives the
// same outcome.
#pragma once

#include "tests/sim/call_cluster.hpp"
#include "tests/sim/call_oracle.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::sim {

struct call_outcome {
    std::vector<std::string> problems;  // empty: all is well
    std::string story;                  // what happened, a line each
    call_oracle::counts calls;
    std::int64_t heal_ns = 0;  // from the last fault to one view
    std::uint64_t steps = 0;
    bool wild = false;
    std::uint64_t faults = 0;
};

/// One and a half times the period in which lists are compared, and a heartbeat.
inline constexpr std::int64_t call_heal_ns_max = 25'000'000'000;

/// @param lanes of each node; 0: one or three, as the seed says
[[nodiscard]] call_outcome run_call_scenario(std::uint64_t seed, const mutations& without = {},
                                             std::size_t lanes = 0);

}  // namespace dunlin::sim
