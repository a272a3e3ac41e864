// SPDX-License-Identifier: Apache-2.0
//
// The modes of spaces, as the operator of a node has said them.
//
// An author knows what a function's state is worth in general, an operator what it is worth here.
// What is said of a space that nobody serves would change nothing and look as if it did, so it is
// an error. Pure; main thread.
#pragma once

#include "actors/hot_state.hpp"
#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <vector>

namespace dunlin::runtime {

/// @param keyed the functions of the node's modules that have a space. Errors: `invalid_argument`
/// for a space in two lists, and for one that none of these functions names.
[[nodiscard]] result<actors::hot_state::mode_table> modes_of(
    const std::vector<const actors::function_info*>& keyed, const state_config& said);

}  // namespace dunlin::runtime
