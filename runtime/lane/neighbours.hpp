// SPDX-License-Identifier: Apache-2.0
//
// The other nodes, as a lane sees them: who there is, and what they say to each other.
//
// Each lane hears who is in the cluster, and tells its links, its router and its peers. One lane of
// a node drives its membership besides: what that says leaves over the lane's links, or over the
// connections that other nodes have opened to it, and what comes for it is handed on.
// Part of a lane; one thread.
#pragma once

#include "runtime/cluster/gossip_carrier.hpp"
#include "runtime/cluster/membership_driver.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/handshake.hpp"
#include "runtime/lane/inbox.hpp"
#include "runtime/lane/load_reporter.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/link/links.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/router/router.hpp"
#include "wire/envelope.hpp"

#include <dunlin/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::runtime {

class neighbours final : public gossip_carrier {
public:
    static constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();

    /// `instance`: of this node; 0: it is alone for good. The parts need not be made yet. `now_ns`
    /// is the lane's time.
    neighbours(runtime::links& over, router& routing, outlet& out, load_reporter& loads,
               handshake& greets, lane_counters& counters, const std::int64_t& now_ns,
               std::uint64_t instance)
        : links_(over),
          router_(routing),
          outlet_(out),
          loads_(loads),
          handshake_(greets),
          counters_(counters),
          now_ns_(now_ns),
          instance_(instance) {}

    /// This lane drives the node's membership. Before it serves.
    void carry(membership_driver& membership);
    /// Null before the first view has come.
    [[nodiscard]] const std::shared_ptr<const cluster_view>& view() const noexcept { return view_; }

    // gossip_carrier
    [[nodiscard]] runtime::links& links() noexcept override { return links_; }
    bool send_gossip(std::uint64_t to, bytes_view message) override;

    // -- what is told --------------------------------------------------------------------------
    void changed(std::shared_ptr<const cluster_view> view);
    // By a peer that is a node.
    void gossiped(peer& from, bytes_view message);
    void told_load(const peer& from, wire::item_list items);
    /// Offers that wait for a link; more are dropped, which costs a miss for each key.
    static constexpr std::size_t offers_unsent_max = 1024;
    /// Keys that have moved to another node, which is told as soon as there is a link to it, or not
    /// at all.
    void offer(key_offer moved);
    /// Addresses of nodes to join.
    void found(std::vector<std::string> seeds);
    /// Somebody asks whether this node may drain.
    void ask_to_drain();

    // -- the lane's turn -----------------------------------------------------------------------
    /// Does what time asks for.
    void tend();
    /// When `tend` has something to do.
    [[nodiscard]] std::int64_t due_ns() const noexcept {
        return std::min(links_due_ns_, membership_due_ns_);
    }
    /// Tells the others that this node takes no new calls; that it is gone.
    void drain();
    void leave();

private:
    /// A node that has just joined has no link yet.
    static constexpr std::int64_t offer_wait_ns = 2'000'000'000;
    struct unsent_offer {
        key_offer what;
        std::int64_t until_ns;
    };
    void send_offers();

    runtime::links& links_;
    router& router_;
    outlet& outlet_;
    load_reporter& loads_;
    handshake& handshake_;
    lane_counters& counters_;
    const std::int64_t& now_ns_;
    const std::uint64_t instance_;
    std::shared_ptr<const cluster_view> view_;
    membership_driver* membership_ = nullptr;    // of one lane of a node
    std::int64_t membership_due_ns_ = never_ns;  // ... and so the others have nothing to wake for
    std::int64_t links_due_ns_ = never_ns;
    std::vector<unsent_offer> unsent_;
};

}  // namespace dunlin::runtime
