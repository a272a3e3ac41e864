// SPDX-License-Identifier: Apache-2.0
//
// Which spaces are served by several nodes that do not share a store.
//
// Each of them would keep values of its own, and a key whose owner changes would lose its value, so
// such a space takes no calls: a sentence says what to do. Decided anew with every view of the
// cluster, by what its members say that they serve. Owned by the node; one thread at a time.
#pragma once

#include "actors/hot_state.hpp"
#include "runtime/membership/cluster_view.hpp"

#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Refuses calls of the spaces that other members serve, too, and takes those of the others again.
/// Says in the log what has changed; loudly where somebody has given the node a place for state.
void refuse_unshared_spaces(actors::hot_state& state, const cluster_view& view, bool loudly);

/// Why, if the space is one of these; otherwise empty. Pure.
[[nodiscard]] std::string why_unshared(std::string_view space, std::string_view store,
                                       const cluster_view& view);

}  // namespace dunlin::runtime
