// SPDX-License-Identifier: Apache-2.0
//
// Which spaces this node must not serve, because other members serve them from another store.
//
// Each store has values of its own, and a key whose owner changes would lose its value. So a node
// takes no calls of a space while a member serves it, too, whose store is not the same; a sentence
// says which, and what to do. Members tell the number of their store (`state_store::identity`),
// which is 0 for one that nobody else can use. A node on a shared store does not give way to one
// whose store is its own, as that one gives way: somebody who forgets `--store` at one node does
// not stop the cluster. In all other cases neither serves, no matter which came first: clocks
// differ, and nobody can know which store is the right one.
//
// Decided anew with every view of the cluster. Owned by the node; one thread at a time.
#pragma once

#include "actors/hot_state.hpp"
#include "runtime/membership/cluster_view.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Of the node that asks.
struct own_store {
    std::uint64_t instance = 0;  // of the node
    std::string_view node;
    std::string_view described;  // "RocksDB in ./dunlin-data"
    std::uint64_t identity = 0;  // 0: not shared
};

/// Why, if the node must not serve the space; otherwise empty. Pure.
[[nodiscard]] std::string why_unshared(std::string_view space, const own_store& own,
                                       const cluster_view& view);

/// Spaces that a node with a store of its own has found at nodes that share one, with the sentence.
/// It serves them no more until it is started again: when those nodes are gone for a while, what is
/// in their store is still what counts.
using given_up_spaces = std::map<std::string, std::string, std::less<>>;

/// Told of each space whose calls are refused from now on, with the sentence, or taken again.
using unshared_change = std::function<void(const std::string& space, const std::string& why)>;

/// Refuses calls of the spaces that this node must not serve, and takes those of the others again.
void refuse_unshared_spaces(actors::hot_state& state, const own_store& own,
                            const cluster_view& view, given_up_spaces& given_up,
                            const unshared_change& changed);

}  // namespace dunlin::runtime
