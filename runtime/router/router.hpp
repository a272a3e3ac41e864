// SPDX-License-Identifier: Apache-2.0
//
// Where a call goes: to a pool of this node, over a link to another one, or nowhere. One router for
// calls from sockets and calls from functions.
//
// It learns from each link which functions are served there and how long calls wait, and decides
// for each call that may travel whether it stays or which node takes it: the least loaded of a few
// (`cluster::spread`) of those where the function is warm (`cluster::warm_set`), past nodes whose
// circuit is open (`cluster::peer_health`), and the owner alone for a call with a key
// (`cluster::key_owners`). A call that failed on one node, or was lost with it, goes elsewhere if
// it may run twice or did not run at all, as far as its retries, its caller's budget and its
// deadline reach, and is answered otherwise. A node that refuses one function still gets calls of
// others, unless it says that it means all; and what one node has refused goes on only to nodes
// that have not refused the function. Exactly one answer, whatever dies. Owned by a lane; one
// thread.
#pragma once

#include "cluster/key_owners.hpp"
#include "cluster/random.hpp"
#include "cluster/spread.hpp"
#include "runtime/calls/ledger.hpp"
#include "runtime/link/function_route.hpp"
#include "runtime/link/link_counters.hpp"
#include "runtime/link/links.hpp"
#include "runtime/link/outbound_calls.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/router/forward_host.hpp"
#include "runtime/router/owner_wait.hpp"
#include "runtime/said_once.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace dunlin::runtime {

class function_registry;

/// Where a call goes.
struct destination {
    enum class kind : std::uint8_t {
        here,
        there,        // to the node of `link`
        nobody,       // those who serve it take no more calls now; with a key, its owner at `link`
        owner_later,  // its key has an owner, which cannot be reached now
        anybody,      // no node owns its key
    };
    kind what = kind::nobody;
    peer_link* link = nullptr;
};

class router final : public link_user {
public:
    router(const function_registry& functions, ledger& calls, links& over, outbound_calls& away,
           forward_host& host, link_counters& counters, const link_options& options);

    void set_view(std::shared_ptr<const cluster_view> view, std::int64_t now_ns);
    /// Ends the wait of calls for an owner. @returns when to be called again at the latest.
    std::int64_t advance(std::int64_t now_ns);

    // -- deciding ------------------------------------------------------------------------------
    /// Null when no other node serves the function.
    [[nodiscard]] function_route* route(std::string_view function) noexcept;
    /// The same for a call with a key, which has an owner even while no other node is connected.
    [[nodiscard]] function_route* route_of_key(std::string_view function);
    /// Never `anybody`. `chosen`: the client has chosen this node.
    [[nodiscard]] destination decide(function_route& route, bytes_view key,
                                     std::size_t payload_bytes, bool chosen, std::int64_t now_ns);
    /// What became of a call that has been tried. One that was refused goes to no node that is
    /// avoided, however few are left.
    enum class after : std::uint8_t { failure, refusal };
    /// The link that should take it; null: none is left.
    [[nodiscard]] peer_link* decide_again(const ledger_entry& entry, after what,
                                          std::int64_t now_ns);
    /// What a call is told that goes nowhere.
    [[nodiscard]] static error nobody_takes(const function_route& route, const destination& chosen);
    /// The call of `destination::kind::owner_later` goes when its owner can be reached, or its key
    /// has another. `said`: why the owner has refused it, to be told if that stays so.
    /// @returns false if it was answered, because too many wait.
    bool await_owner(ledger_entry& entry, std::int64_t now_ns,
                     std::shared_ptr<const error> said = nullptr);
    /// A link to a member of which it is not known yet what it serves; null: there is none.
    [[nodiscard]] const peer_link* untold() const noexcept;

    // -- what other nodes say: see `links::receive` --------------------------------------------
    /// `frame`: the one that ends with the reply, or null.
    void replied(peer_link& link, const wire::reply& reply,
                 const std::shared_ptr<link::received_frame>& frame, std::int64_t now_ns);
    void failed(peer_link& link, const wire::failure& failure, std::int64_t now_ns);
    void cold(const peer_link& link, std::uint64_t id) noexcept;
    void loads(peer_link& link, wire::item_list items, std::int64_t now_ns);

    // link_user
    void look_up(const std::string& endpoint) override { host_.look_up(endpoint); }
    void catalog_arrived(peer_link& link, std::int64_t now_ns) override;
    void standing_changed(peer_link& link) override;
    void connection_lost(peer_link& link, bool said_goaway, std::int64_t now_ns) override;
    void forget(peer_link& link) noexcept override;

private:
    /// What the own node has for a call. @returns when one would have started at once here, as far
    /// as is known.
    static std::int64_t look_here(function_route& route, std::int64_t now_ns);
    [[nodiscard]] std::unique_ptr<function_route> make_route(const std::string& function) const;
    /// Leaves those that take a call among the candidates: usable, warm and not `tried`.
    void narrow(function_route& route, std::span<const std::uint32_t> tried,
                std::int64_t now_ns) const;
    /// Writes down that the warm set has grown or shrunk. Only of functions that this node serves:
    /// any node can make up names of others.
    static void record_width(function_route& route);
    [[nodiscard]] destination decide_owner(const function_route& route, bytes_view key,
                                           std::size_t payload_bytes);

    // router_retry.cpp: what becomes of a call that failed elsewhere
    void judge(const ledger_entry& entry, const error* why, std::int64_t now_ns);
    enum class ended : std::uint8_t { answered, lost };
    void failed(ledger_entry& entry, error why, ended how, std::int64_t now_ns);
    void lost(ledger_entry& entry, const peer_link& with, bool said_goaway, std::int64_t now_ns);
    [[nodiscard]] bool goes_elsewhere(ledger_entry& entry, const error& why, ended how,
                                      std::int64_t now_ns);

    // router_keys.cpp: calls with keys
    [[nodiscard]] bool go_on(ledger_entry& entry, std::int64_t now_ns);
    void send_waiting(std::int64_t now_ns);
    [[nodiscard]] error owner_away(const ledger_entry& entry);

    const function_registry& functions_;
    ledger& calls_;
    links& links_;
    outbound_calls& away_;
    forward_host& host_;
    link_counters& counters_;
    const link_options options_;
    std::shared_ptr<const cluster_view> view_;
    route_table routes_;
    cluster::key_owners owners_;
    owner_wait waiting_;  // for owners
    cluster::spread spread_;
    cluster::random_source random_;  // of pauses
    said_once said_;
};

}  // namespace dunlin::runtime
