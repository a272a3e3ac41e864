// SPDX-License-Identifier: Apache-2.0
//
// Nodes and clients on one virtual network, and everything that can happen to them.
//
// Whoever has news or a timer that has come takes a turn; after each turn what must always hold is
// checked: the oracle's rules, the books of ledgers and links, the bounds of queues, and that a
// node that drains gets no calls once the others have had time to know. One owner, one thread.
#pragma once

#include "tests/sim/call_oracle.hpp"
#include "tests/sim/simulated_client.hpp"
#include "tests/sim/simulated_node.hpp"
#include "tests/sim/virtual_sockets.hpp"
#include "tests/sim/virtual_time.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {

/// Protections that a test switches off, to see that the checks can fail.
struct mutations {
    bool all_idempotent = false;    // nodes say that every function is
    bool queues_unbounded = false;  // pools take what comes
    bool drains_unsaid = false;     // a node that drains tells nobody
    bool clients_without_timers = false;
};

struct call_cluster_settings {
    std::uint64_t seed = 1;
    std::vector<std::vector<simulated_function>> nodes;  // what each serves
    host_id clients = 1;
    link_quality quality;
    std::size_t lanes = 1;  // of each node
    std::size_t activations = 4;
    std::size_t queue_depth_max = 16;
    std::size_t node_in_flight_max = 65536;
    std::uint32_t retries_max = 2;
    bool learn_members = true;  // clients; else each is connected to one node
    bool dedupe = true;
    mutations without;
};

class call_cluster final : private virtual_time::handler {
public:
    static constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();
    /// How long a node finishes what it has.
    static constexpr std::int64_t drain_ns_max = 10'000'000'000;
    /// By then nobody sends to a node that drains, when the network is well.
    static constexpr std::int64_t drain_known_ns_max = 2'000'000'000;

    explicit call_cluster(call_cluster_settings how);
    ~call_cluster();

    virtual_time time;
    virtual_sockets sockets;
    call_oracle oracle;

    [[nodiscard]] host_id nodes() const noexcept { return static_cast<host_id>(nodes_.size()); }
    [[nodiscard]] host_id clients() const noexcept { return static_cast<host_id>(clients_.size()); }
    /// Null: it is down.
    [[nodiscard]] simulated_node* node(host_id at) noexcept { return nodes_[at].node.get(); }
    [[nodiscard]] simulated_client* client(host_id at) noexcept {
        return clients_[at].client.get();
    }
    [[nodiscard]] bool leaving(host_id at) const noexcept { return nodes_[at].drain_at_ns >= 0; }
    [[nodiscard]] bool paused(host_id at) const noexcept {
        return nodes_[at].node != nullptr && nodes_[at].node->paused;
    }
    /// The node has run for so long, and does not leave.
    [[nodiscard]] bool well_for(host_id at, std::int64_t span_ns) const noexcept {
        const auto& slot = nodes_[at];
        return slot.node != nullptr && slot.drain_at_ns < 0 && !slot.node->paused &&
               slot.started_ns + span_ns <= time.now_ns();
    }
    /// Nodes that run and do not leave.
    [[nodiscard]] std::size_t running() const noexcept;
    /// Once there was none: clients have to find the first again, which takes as long as it takes
    /// to try all their endpoints, with pauses.
    [[nodiscard]] bool had_outage() const noexcept { return had_outage_; }
    [[nodiscard]] host_id host_of_client(host_id which) const noexcept { return nodes() + which; }

    using ending = virtual_sockets::ending;
    /// Under its name at its endpoint, in a new incarnation.
    void start_node(host_id at);
    void kill_node(host_id at, ending how);
    /// It drains, and then it is gone.
    void drain_node(host_id at);
    void start_client(host_id at);
    /// Its calls have nobody any more.
    void kill_client(host_id at, ending how);
    void pause(host_id at);
    void resume(host_id at);
    void move_clock(host_id at, std::int64_t by_ns);
    void cut(host_id from, host_id to);
    void mend();

    /// All nodes that run see exactly each other, and all clients are connected to all of them.
    [[nodiscard]] bool converged();
    [[nodiscard]] std::string views();
    /// What is left in books and queues, for a person; nothing when all calls have ended.
    [[nodiscard]] std::string left_over();

private:
    struct node_slot {
        std::unique_ptr<simulated_node> node;
        std::int64_t armed_ns = never_ns;
        std::int64_t started_ns = 0;
        std::int64_t drain_at_ns = -1;
        bool finishing = false;
        bool counted = false;  // what it had received once it was known to drain
        std::uint64_t received = 0;
    };
    struct client_slot {
        std::unique_ptr<simulated_client> client;
        std::int64_t armed_ns = never_ns;
    };

    void handle(std::uint64_t what) override;
    void arm(std::uint64_t what, std::int64_t& armed_ns, std::int64_t at_ns);
    void take_turn(host_id at);
    void look_at(host_id at);
    void run_actors();
    [[nodiscard]] caf::actor_system& system() noexcept { return *system_; }

    const call_cluster_settings how_;
    virtual_steady_clock steady_{time};
    std::unique_ptr<caf::actor_system_config> config_;
    std::unique_ptr<caf::actor_system> system_;
    std::vector<node_slot> nodes_;
    std::vector<client_slot> clients_;
    std::uint64_t starts_ = 0;
    std::uint32_t clients_started_ = 0;
    bool had_outage_ = false;
    bool cut_ = false;
    std::int64_t trouble_ns_ = 0;  // when the network or a node was last unwell
};

}  // namespace dunlin::sim
