// SPDX-License-Identifier: Apache-2.0
//
// The nodes that a client has live connections to, and which of them gets a call.
//
// Nodes tell who belongs to the cluster, what they serve and how loaded they are, each at its own
// time, and are lost or leave without asking. Guarantee: a call is given to a channel that is
// live, and whose node does not drain and may have one more call. As long as channels and members
// stay, all calls of one key are given to one channel, unless their owner is not connected and the
// node that takes them instead is late, fails or takes no calls at all. Channels that get no more
// calls are handed out by `take_vacated`, so that what was not sent there yet can be moved; until
// then they are as they were.
//
// No socket, no thread, no clock inside: channels come from `connection_set`. Guarded by the
// driver's mutex; `wait_reached` gives it up while it waits.
#pragma once

#include "client/channel.hpp"
#include "client/kept_call.hpp"
#include "client/member_views.hpp"
#include "client/node_plan.hpp"
#include "client/peer_node.hpp"
#include "client/routes.hpp"
#include "cluster/key_owners.hpp"
#include "wire/envelope.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::link {

class fleet {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using lock = std::unique_lock<std::mutex>;

    /// Where a call goes.
    struct target {
        channel* on = nullptr;  // null: no connection may have one more call
        std::uint32_t function = routes::none;
    };
    /// A look changes nothing; what is sent counts against its node, and may be the one probe of
    /// a circuit that is half open. A look for room passes over nodes that have refused the
    /// function, or failed, even if no other is left.
    enum class purpose : std::uint8_t { send, look, look_for_room };

    /// @param cluster the only one to talk to; empty: any
    fleet(const node_plan::settings& how, std::string cluster);

    // -- choosing ------------------------------------------------------------------------------
    /// `before`: where the call was already, which is not where it goes now.
    [[nodiscard]] target pick(std::string_view function, std::string_view key,
                              const kept_call* before, time_point now,
                              purpose why = purpose::send) {
        if (many_) return pick_of_many(function, key, before, now, why);
        return {nodes_.empty() ? nullptr : nodes_.front()->lane_for(key), routes::none};
    }
    /// Whether the node there says that the function may run twice.
    [[nodiscard]] bool idempotent(const target& to) const noexcept {
        return many_ && routes_.idempotent(to.function, to.on->node->place);
    }
    /// The channel's frame leaves: calls that start now are not held together with it.
    void frame_leaves(channel& on) noexcept {
        if (on.node != nullptr) ++on.node->next_lane;
        routes_.next_turn();
    }
    /// A call was appended to the channel's open frame. @param window as for `outbox::appended`
    void appended(channel& on, std::size_t window) {
        ++on.in_flight;
        if (on.out.appended(window)) frame_leaves(on);
    }
    [[nodiscard]] routes& paths() noexcept { return routes_; }
    /// There is, or may be soon, more than one node to choose from.
    [[nodiscard]] bool many() const noexcept { return many_; }
    /// Calls are chosen among several nodes, which are all members.
    [[nodiscard]] bool all() const noexcept { return all_; }
    [[nodiscard]] std::size_t live() const noexcept { return live_.size(); }
    [[nodiscard]] std::size_t nodes() const noexcept { return nodes_.size(); }
    /// The name of one of the nodes.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    // -- what nodes tell -----------------------------------------------------------------------
    void welcome(channel& from, const wire::welcome& envelope, time_point now);
    void goaway(channel& from, std::int64_t code, std::string_view detail, time_point now);
    void take_members(channel& from, const wire::item_list& items, time_point now);
    /// @returns whether it is now known what the node serves.
    [[nodiscard]] bool take_catalog(channel& from, wire::item_list items);
    void take_loads(channel& from, wire::item_list items, time_point now);
    /// Anything arrived.
    void heard(channel& from, time_point now) noexcept;
    /// Whether the node is late with the answer to a ping may have changed.
    void update_late(channel& of) noexcept;

    // -- connections come and go ---------------------------------------------------------------
    [[nodiscard]] node_plan& plan() noexcept { return plan_; }
    [[nodiscard]] const node_plan& plan() const noexcept { return plan_; }
    /// The channel has a problem.
    void lost(channel& gone, time_point now);
    /// An attempt to connect came to nothing.
    void unreached(std::uint32_t lane, const std::string& endpoint, const std::string& problem,
                   time_point now);
    /// The node does not want this client; so says the answer of `wait_reached` if no other does.
    void refuse(channel& from, error why);
    /// Brings the plan and the nodes in line with what is known of the members.
    void refresh(time_point now);
    /// Channels that get no more calls, or no more for now.
    [[nodiscard]] std::vector<channel*> take_vacated() { return std::exchange(vacated_, {}); }

    [[nodiscard]] std::uint64_t reconnects() const noexcept { return reconnects_; }
    /// Waits until a node is reached, or every one has refused.
    [[nodiscard]] result<void> wait_reached(lock& held, std::chrono::milliseconds timeout,
                                            const std::vector<std::string>& endpoints);
    /// "no node answered at tcp://...", what was waited for, and the last problem.
    [[nodiscard]] std::string why_unreached(std::string_view at, const std::string& within) const;
    /// What a call ends with that `pick` finds no place for though nodes are live.
    [[nodiscard]] error full() const;

private:
    [[nodiscard]] target pick_of_many(std::string_view function, std::string_view key,
                                      const kept_call* before, time_point now, purpose why);
    [[nodiscard]] target pick_by_key(target to, std::string_view function, std::string_view key,
                                     const kept_call* before, time_point now, purpose why);
    [[nodiscard]] const peer_node& node_at(std::uint32_t place) const noexcept;
    [[nodiscard]] peer_node* owner_of(std::string_view owned, std::string_view key);
    void join(channel& welcomed, time_point now);
    void leave(channel& gone) noexcept;
    void retire(channel& leaving);
    void count_nodes() noexcept;
    void doubt_unvouched();
    void mark_draining();
    void mark_late(peer_node& node) noexcept;

    const std::string cluster_;
    node_plan plan_;
    member_views views_;
    routes routes_;
    std::vector<std::unique_ptr<peer_node>> nodes_;  // with live channels
    std::vector<channel*> live_;                     // that take calls
    bool many_ = false;
    bool all_ = false;
    bool members_stale_ = false;  // what the plan knows of the members
    bool owners_stale_ = true;
    cluster::key_owners owners_;        // filled when a call has a key
    std::vector<std::uint32_t> tried_;  // scratch memory of `pick`
    std::vector<channel*> vacated_;
    std::string name_;
    std::string last_problem_;
    error refusal_;
    bool refused_ = false;
    std::uint64_t reconnects_ = 0;
    std::condition_variable reached_;
};

}  // namespace dunlin::link
