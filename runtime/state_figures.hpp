// SPDX-License-Identifier: Apache-2.0
//
// What there is to say of a node's spaces and their store in numbers, the same for `dunlin/stats`
// and `dunlin/state`. Pure functions over what is safe from any thread.
#pragma once

#include "actors/latency_counts.hpp"
#include "actors/state_space.hpp"
#include "runtime/store/watched_store.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace dunlin::runtime {

/// Of one space.
[[nodiscard]] nlohmann::json figures_of(const std::string& name, const actors::state_space& space);

/// Of the store; nil when nothing is stored.
[[nodiscard]] nlohmann::json figures_of(const watched_store* store);

/// Pairs of the longest time that a bucket counts, in microseconds, and its count; buckets that
/// count nothing are left out.
[[nodiscard]] nlohmann::json latency_list(const actors::latency_counts& counted);

}  // namespace dunlin::runtime
