// SPDX-License-Identifier: Apache-2.0
//
// Which keys of its spaces a node owns, by a view of the cluster.
//
// The same owners that nodes and clients send calls to (`cluster::key_owners`), and a number by
// which nodes tell whether they see the same members, doing the same. Pure.
#pragma once

#include "actors/hot_state.hpp"
#include "actors/state/owner_view.hpp"
#include "runtime/membership/cluster_view.hpp"

#include <cstdint>
#include <memory>

namespace dunlin::runtime {

[[nodiscard]] std::shared_ptr<const actors::owner_view> owners_in(const cluster_view& view,
                                                                  const actors::hot_state& state,
                                                                  std::uint64_t node);

}  // namespace dunlin::runtime
