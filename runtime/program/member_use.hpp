// SPDX-License-Identifier: Apache-2.0
//
// What the members of a cluster do, as they say themselves in their statistics.
//
// One that has not answered, or says less because it is older, counts with what another node has
// told of it. Pure; any thread.
#pragma once

#include "cluster/wanted_nodes.hpp"
#include "runtime/program/ask_members.hpp"
#include "runtime/program/member_list.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin::program {

/// One for each member that lives. `answers`: to `dunlin/stats`, by name.
[[nodiscard]] std::vector<cluster::node_use> use_of(const std::vector<member>& members,
                                                    const std::vector<member_answer>& answers);

struct member_memory {
    std::uint64_t bytes_held = 0;
    std::uint64_t bytes_held_max = 0;  // 0: it does not say
};

/// What members hold of their budgets of memory, by name: of those that have answered.
[[nodiscard]] std::map<std::string, member_memory> memory_of(
    const std::vector<member_answer>& answers);

}  // namespace dunlin::program
