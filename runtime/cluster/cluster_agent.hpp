// SPDX-License-Identifier: Apache-2.0
//
// Carries out what the membership says: sends its messages over links, joins, publishes views.
//
// `membership::swim` decides and knows nothing of sockets; lanes move bytes and know nothing of
// members; this stands between. It lives on one lane of the node (lane 0) and is called by it.
// What the rest of the node wants to know it reads from the `cluster_board`.
// Owned by the node; the lane's thread, but for construction.
#pragma once

#include "runtime/cluster/cluster_board.hpp"
#include "runtime/cluster/gossip_carrier.hpp"
#include "runtime/cluster/line_budget.hpp"
#include "runtime/cluster/membership_driver.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/membership/drain_agreement.hpp"
#include "runtime/membership/swim.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin::runtime {

struct cluster_agent_options {
    std::string cluster;
    membership::record_ptr self;
    membership::options timing;
    std::uint64_t seed = 1;
    bool joining = false;  // there are nodes to join
    bool keyed = false;    // this node has a key
};

class cluster_agent final : public membership_driver {
public:
    using publisher = std::function<void(std::shared_ptr<const cluster_view>)>;

    /// `carrier` moves the messages, `publish` is called with every new view.
    cluster_agent(cluster_agent_options options, gossip_carrier& carrier, cluster_board& board,
                  publisher publish, std::int64_t now_ns);

    // membership_driver
    std::int64_t advance(std::int64_t now_ns) override;
    void seeds(std::vector<std::string> endpoints) override;
    [[nodiscard]] result<void> admit(const wire::hello& hello) const override;
    void ask_to_drain() override;
    void drain() override;
    void leave() override;

    // link_listener
    void answered(const std::string& endpoint, std::uint64_t instance) override;
    void round_trip(const peer_link& link, std::int64_t ns) override;
    [[nodiscard]] bool link_up(const peer_link& link, std::string_view cluster) override;
    void link_lost(const peer_link& link) override;
    void link_failed(const peer_link& link, const std::string& why, bool refused) override;
    void heard(std::uint64_t from, bytes_view message) override;

private:
    void pump();
    void send(membership::instance_id to, const membership::message& what);
    void agree();
    void say_change(const membership::change& what);
    void act_on(const membership::change& what);
    void publish_view();
    void show();
    void reach_seeds();

    const cluster_agent_options options_;
    gossip_carrier& carrier_;
    cluster_board& board_;
    publisher publish_;
    membership::swim swim_;
    std::vector<membership::outgoing> outgoing_;
    std::vector<membership::change> changes_;
    std::vector<std::byte> encoded_;
    // Reached in `advance`: what is heard is heard while the links are gone through.
    std::vector<std::string> reach_soon_;

    std::vector<std::string> seeds_;
    std::set<std::string> ours_;                   // of those, addresses of this very node
    std::map<std::string, std::uint64_t> behind_;  // of those, the instances that answered there
    struct seed_problem {
        std::set<std::string> said;
        // One after another: those that failed for keys, perhaps, and those that certainly did.
        int handshakes_failed = 0;
        int keys_refused = 0;
        std::optional<error> refusal;  // what that most likely means
    };
    void note_keys(const peer_link& link, seed_problem& known, const std::string& problem);
    void expect_refusal();
    std::map<std::string, seed_problem> seed_problems_;  // by endpoint
    std::int64_t seeds_due_ns_ = 0;
    std::int64_t show_due_ns_ = 0;
    std::int64_t refusal_due_ns_ = 0;
    std::int64_t now_ns_ = 0;
    std::uint64_t views_ = 0;
    bool view_changed_ = true;
    std::int64_t view_due_ns_ = 0;  // not before
    bool show_stale_ = false;

    membership::drain_agreement draining_;
    std::vector<membership::instance_id> asked_;

    // Any peer that gossips can cause these as often as it likes.
    line_budget say_died_{60};
    line_budget say_returned_{60};
    line_budget say_refuted_{60};
    line_budget say_paused_{5};
    line_budget say_conflict_{20};
    std::set<std::string> conflicts_said_;  // names
    membership_counts counts_;
};

}  // namespace dunlin::runtime
