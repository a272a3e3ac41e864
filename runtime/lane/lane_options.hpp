// SPDX-License-Identifier: Apache-2.0
//
// What a lane can be told: whose it is, its limits, and what it shares with the node.
//
// What is pointed at belongs to the node and outlives the lane.
#pragma once

#include "runtime/lane/descriptors.hpp"
#include "runtime/link/peer_link.hpp"
#include "wire/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dunlin::support {
class address_resolver;
}

namespace dunlin::actors {
class key_offers;
}

namespace dunlin::runtime {

class heap_trim;
struct node_security;

struct lane_options {
    std::string node_name;
    std::string cluster;
    std::uint64_t instance = 0;  // of this process
    std::size_t number = 0;      // of this lane
    std::size_t in_flight_max = 65536;
    std::size_t payload_bytes_max = std::size_t{16} << 20;
    std::size_t backlog_bytes_max = std::size_t{64} << 20;
    std::chrono::microseconds busy_poll{0};      // while answers of other nodes are due
    std::chrono::microseconds idle_poll{0};      // otherwise
    node_security* security = nullptr;           // null: plain ZeroMQ, open to everybody
    support::address_resolver* names = nullptr;  // outlives the lane's use; null: no names are used
    heap_trim* trim = nullptr;                   // null: nobody is told how much is held
    actors::key_offers* offers = nullptr;        // null: other nodes' keys do not come here
    /// What this lane may have of the descriptors.
    descriptor_shares descriptors{std::size_t{1} << 20, link_limits::links_max};

    /// A frame may be this much larger than a payload; larger ones are dropped and answered.
    [[nodiscard]] std::size_t frame_bytes_max() const noexcept {
        return wire::frame_bytes_max(payload_bytes_max);
    }
    /// Beyond this ZeroMQ closes the connection, which bounds the memory a peer can take.
    [[nodiscard]] std::size_t frame_bytes_accepted() const noexcept {
        return wire::transport_bytes_max(payload_bytes_max);
    }
};

}  // namespace dunlin::runtime
