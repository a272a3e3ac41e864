// SPDX-License-Identifier: Apache-2.0
//
// A node that a client has live connections to, one for each of its lanes.
//
// Guarded by the driver's mutex.
#pragma once

#include "client/channel.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
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
    [[nodiscard]] channel* lane() noexcept {
        for (std::size_t tried = 0; tried < lanes.size(); ++tried) {
            channel* each = lanes[(next_lane + tried) % lanes.size()];
            if (each->in_flight < each->in_flight_max) return each;
        }
        return nullptr;
    }
};

}  // namespace dunlin::link
