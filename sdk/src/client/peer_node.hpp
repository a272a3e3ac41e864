// SPDX-License-Identifier: Apache-2.0
//
// A node that a client has live connections to, one for each of its lanes.
//
// Guarded by the driver's mutex.
#pragma once

#include "client/channel.hpp"
#include "cluster/rendezvous.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::link {

struct peer_node {
    std::uint64_t instance = 0;  // 0: not told
    std::uint32_t place = 0;     // among the routes
    bool draining = false;       // gets no calls
    bool late = false;           // with the answer to a ping: gets none while others do
    std::vector<channel*> lanes;
    std::size_t next_lane = 0;

    /// The lane whose turn it is, or the next one that may have one more call; null if none may.
    [[nodiscard]] channel* lane() const noexcept { return lane_from(next_lane); }

    /// The lane that gets the calls of all keys of the partition: lanes read beside each other, so
    /// two calls keep their order only on one. It is one of those that the node names, whichever of
    /// them are connected, so that a lane that comes or goes moves no keys but its own. Calls do
    /// not wait for one that is gone or full: they take another, and may overtake each other then.
    [[nodiscard]] channel* lane_of(std::uint32_t partition) const noexcept {
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            const channel& each = *lanes[i];
            if (each.lane_index == partition % each.lane_count) return lane_from(i);
        }
        return lane_from(partition);
    }

    /// The one that a call gets whose key may be empty; null if the node takes none.
    [[nodiscard]] channel* lane_for(std::string_view key) const noexcept {
        if (draining) return nullptr;
        return key.empty() ? lane() : lane_of(cluster::partition_of(key));
    }

private:
    [[nodiscard]] channel* lane_from(std::size_t first) const noexcept {
        for (std::size_t tried = 0; tried < lanes.size(); ++tried) {
            channel* each = lanes[(first + tried) % lanes.size()];
            if (each->in_flight < each->in_flight_max) return each;
        }
        return nullptr;
    }
};

}  // namespace dunlin::link
