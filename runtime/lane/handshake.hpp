// SPDX-License-Identifier: Apache-2.0
//
// How a connection becomes a peer, and what peers are told of the node and its cluster.
//
// A hello is answered with a welcome, or with a goaway that says what is wrong: no common protocol
// version, a key that may not do this, another cluster, or a node that the membership does not
// admit. Peers that ask for the cluster hear which functions the node serves, of those their key
// may call, and who its members are, whenever that changes. Part of a lane; one thread.
#pragma once

#include "runtime/cluster/membership_driver.hpp"
#include "runtime/lane/authorizer.hpp"
#include "runtime/lane/connection_keeper.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/load_reporter.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "wire/envelope.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

class handshake {
public:
    struct options {
        std::string node_name;
        std::string cluster;
        std::uint64_t instance = 0;
        std::size_t payload_bytes_max = 0;
        std::size_t in_flight_max = 0;
    };
    /// Of the connection that a frame came on, as ZeroMQ tells with it.
    struct sender {
        int fd = -1;
        std::string_view key{};  // lives as long as the frame
    };

    /// `view` is who the lane knows, and `now_ns` its time.
    handshake(outlet& out, connection_keeper& keeper, const load_reporter& loads,
              lane_counters& counters, const std::shared_ptr<const cluster_view>& view,
              const std::int64_t& now_ns, options how);

    // Before the lane serves.
    void use_keys(authorizer& of) noexcept { authorizer_ = &of; }
    void use_membership(const membership_driver& of) noexcept { membership_ = &of; }
    /// Of all lanes of the node.
    void use_endpoints(std::vector<std::string> endpoints) { endpoints_ = std::move(endpoints); }

    /// @returns the new peer; null: it was refused, and told why.
    [[nodiscard]] peer* greet(std::string_view routing_id, const wire::hello& hello,
                              const sender& by);
    void welcome(peer& to);
    /// What came is no hello.
    void refuse_stranger(std::string_view routing_id, std::string_view problem = {});
    /// The node takes no new calls: peers that come hear that, too.
    void set_draining() noexcept { draining_ = true; }

    void tell_catalog(peer& to);
    void tell_members(peer& to);
    /// This connection of the node's is the one that it gossips over.
    void begin_gossip(peer& from);

private:
    [[nodiscard]] result<std::unique_ptr<peer_rights>> judge(const wire::hello& hello,
                                                             std::string_view key) const;
    void refuse(std::string_view routing_id, std::string_view detail);

    outlet& outlet_;
    connection_keeper& keeper_;
    const load_reporter& loads_;
    lane_counters& counters_;
    const std::shared_ptr<const cluster_view>& view_;
    const std::int64_t& now_ns_;
    const options options_;
    authorizer* authorizer_ = nullptr;               // null: this node has no key
    const membership_driver* membership_ = nullptr;  // of one lane of a node
    std::vector<std::string> endpoints_;
    bool draining_ = false;
};

}  // namespace dunlin::runtime
