// SPDX-License-Identifier: Apache-2.0
//
// How many nodes a cluster should have, for whoever adds and removes them.
//
// A cluster does not start machines; an orchestrator's autoscaler does, and wants one number. It is
// what the functions of all nodes use together, over the share of a node that is meant to be used
// (`target_share`), with what queues: a queue counts as so much more use that it is gone within
// `drain_ns`. Where calls are refused at least one more node is wanted than there is, because what
// was refused is in no queue. Nodes that drain take no calls and count as none, but what they still
// do counts: others will have it to do. There is always one. A number of one moment: an autoscaler
// smooths it, and is slower to shrink than to grow.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace dunlin::cluster {

/// What one living member does.
struct node_use {
    double used = 0;           // share of the time of its servers that functions use, 0 to 1
    std::int64_t wait_ns = 0;  // of a call that came now, for the function where that is longest
    bool refuses = false;      // calls were refused recently because queues were full
    bool draining = false;
};

struct wanted_nodes {
    std::uint32_t count = 1;
    std::string reason;  // one sentence
};

/// As much as warm sets leave free before they grow, see `warm_set::grow_share`.
inline constexpr double target_share = 0.7;
inline constexpr std::int64_t drain_ns = 1'000'000'000;
/// What queues may ask for: so many times the nodes that there are. How much they will take when
/// others share them is not known; it is looked at again.
inline constexpr double growth_max = 2;

[[nodiscard]] wanted_nodes nodes_wanted(std::span<const node_use> members);

}  // namespace dunlin::cluster
