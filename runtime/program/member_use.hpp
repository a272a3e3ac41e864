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

#include <vector>

namespace dunlin::program {

/// One for each member that lives. `answers`: to `dunlin/stats`, by name.
[[nodiscard]] std::vector<cluster::node_use> use_of(const std::vector<member>& members,
                                                    const std::vector<member_answer>& answers);

}  // namespace dunlin::program
