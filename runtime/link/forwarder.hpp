// SPDX-License-Identifier: Apache-2.0
//
// Sends calls to other nodes and brings their answers back.
//
// It keeps a link to every living member, learns from it which functions are served there and how
// long calls wait, and decides for each call that may travel whether it stays or who takes it. A
// call that was sent stays in the lane's ledger, with all it needs to be sent again: when its link
// is lost it goes elsewhere if it may run twice (or did not run at all), as far as its retries and
// the budget reach, and is answered otherwise. Exactly one answer, whatever dies.
// Part of a lane; one thread.
#pragma once

#include "cluster/key_owners.hpp"
#include "cluster/spread.hpp"
#include "runtime/calls/ledger.hpp"
#include "runtime/link/dial_limits.hpp"
#include "runtime/link/forward_host.hpp"
#include "runtime/link/function_route.hpp"
#include "runtime/link/link_counters.hpp"
#include "runtime/link/owner_wait.hpp"
#include "runtime/link/peer_link.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/said_once.hpp"

#include <poll.h>
#include <zmq.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dunlin::runtime {

class function_registry;

struct forwarder_options {
    std::string node_name;
    std::string cluster;
    std::uint64_t instance = 0;  // 0: this node is alone, and forwards nothing
    std::size_t lane = 0;        // its number, which chooses the lane at the other end
    std::uint64_t seed = 1;
};

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

class forwarder {
public:
    forwarder(zmq::context_t& context, const function_registry& functions, ledger& calls,
              forward_host& host, link_counters& counters, forwarder_options options);
    ~forwarder();

    /// Before the lane serves. Only one lane of a node has one.
    void listen(link_listener& listener) { listener_ = &listener; }
    /// The keys that other nodes may have, for links that are made from now on; none: plain ZeroMQ.
    void use_keys(std::vector<std::shared_ptr<const security::client_keys>> keys);

    // -- which nodes there are -----------------------------------------------------------------
    void set_view(std::shared_ptr<const cluster_view> view, std::int64_t now_ns);
    /// Tries to reach a node whose name is not known yet.
    void reach(const std::string& endpoint, std::int64_t now_ns);
    /// What a name that was looked up stands for; none, and why.
    void found_addresses(const std::string& endpoint, const std::vector<std::string>& addresses,
                         const std::string& problem, std::int64_t now_ns);
    /// @returns false when there is no live link to that node.
    bool send_gossip(std::uint64_t to, bytes_view message);
    void heard_load(std::uint64_t from, wire::item_list loads, std::int64_t now_ns);

    // -- calls ---------------------------------------------------------------------------------
    /// Null when no other node serves the function.
    [[nodiscard]] function_route* route(std::string_view function) noexcept;
    /// Whether a call may be sent on at all.
    [[nodiscard]] bool alone() const noexcept { return routes_.empty(); }
    /// The same for a call with a key, which has an owner even while no other node is connected.
    [[nodiscard]] function_route* route_of_key(std::string_view function);
    /// Where the call should go; never `anybody`. `chosen`: its client has chosen this node.
    [[nodiscard]] destination choose(function_route& route, bytes_view key,
                                     std::size_t payload_bytes, bool chosen, std::int64_t now_ns);
    /// The call of `destination::kind::owner_later` goes when its owner can be reached, or its key
    /// has another. @returns false if it was answered, because too many wait.
    bool await_owner(ledger_entry& entry, std::int64_t now_ns);
    /// What a call is told that goes nowhere.
    [[nodiscard]] static error nobody_takes(const function_route& route, const destination& chosen);
    /// The link that should take a call that has been tried; null: none is left.
    [[nodiscard]] peer_link* choose_again(const ledger_entry& entry, std::int64_t now_ns);
    /// Whether the entry may be sent once more.
    [[nodiscard]] static bool can_carry(const ledger_entry& entry) noexcept;
    /// @pre `can_carry(entry)`.
    void send(ledger_entry& entry, peer_link& to, std::int64_t now_ns);
    /// Nobody waits for it any more: whoever runs it is asked to stop.
    void withdraw(ledger_entry& entry);
    /// This node stops. Whoever has a call of its ledger is asked to stop it as well, and to say
    /// whether it had begun; from now on none goes elsewhere, and each is answered by what its node
    /// says, until `end_recall`.
    void recall_all();
    void end_recall() noexcept { recalls_ = false; }
    [[nodiscard]] bool recalls() const noexcept { return recalls_; }
    /// Calls that other nodes have.
    [[nodiscard]] std::size_t calls_away() const noexcept { return calls_away_; }
    /// Forgets an entry that is about to be closed.
    void detach(ledger_entry& entry) noexcept;
    /// Whether other nodes are about to answer: a call was sent a moment ago and is still open.
    [[nodiscard]] bool answers_due(std::int64_t now_ns) const noexcept;

    // -- the lane's turn -----------------------------------------------------------------------
    /// @returns whether a link may hold more than was taken.
    bool receive(std::int64_t now_ns);
    void flush();
    /// Before the lane sleeps on the descriptors: whether something has arrived that they do not
    /// tell.
    [[nodiscard]] bool has_news();
    /// Connects, gives up, reconnects. @returns when there is something to do next.
    std::int64_t advance(std::int64_t now_ns);
    /// Looks for news about the transports.
    void read_events();
    /// Links to members that have just been made and are of no use yet.
    [[nodiscard]] std::size_t coming_up() const noexcept { return coming_up_; }
    void add_poll_items(std::vector<pollfd>& to) const;
    /// The same items after a poll, with nothing done in between: the next `receive` passes over
    /// the links that they call quiet. Each look that finds nothing takes three system calls.
    void polled(std::span<const pollfd> items);
    void say_bye();

    [[nodiscard]] const std::vector<std::unique_ptr<peer_link>>& links() const noexcept {
        return links_;
    }
    [[nodiscard]] peer_link* find(std::uint64_t instance) noexcept;

private:
    // forwarder_frames.cpp: what arrives
    bool receive_from(peer_link& link, std::int64_t now_ns);
    void read_frame(peer_link& link, bytes_view frame, std::int64_t now_ns);
    void welcomed(peer_link& link, const wire::welcome& welcome, std::int64_t now_ns);
    void read_catalog(peer_link& link, wire::item_list functions, std::int64_t now_ns);
    void read_loads(peer_link& link, wire::item_list loads, std::int64_t now_ns);
    void failed(ledger_entry& entry, error why, std::int64_t now_ns);
    void lost(ledger_entry& entry, const peer_link& with, bool said_goaway, std::int64_t now_ns);
    [[nodiscard]] bool goes_elsewhere(ledger_entry& entry, const error& why, std::int64_t now_ns);
    void goaway(peer_link& link, const wire::goaway& envelope);

    // forwarder_keys.cpp: calls with keys
    [[nodiscard]] destination choose_owner(const function_route& route, bytes_view key,
                                           std::size_t payload_bytes);
    [[nodiscard]] bool go_on(ledger_entry& entry, std::int64_t now_ns);
    void send_waiting(std::int64_t now_ns);
    void end_waiting(std::int64_t now_ns);
    [[nodiscard]] error owner_away(const ledger_entry& entry);

    // forwarder_links.cpp: links come and go
    void look_up_or_connect(peer_link& link, std::int64_t now_ns);
    void connect(peer_link& link, const std::string& address, std::int64_t now_ns);
    [[nodiscard]] std::size_t strangers_dialled() const noexcept;
    void give_up(peer_link& link, std::string why);
    void close(peer_link& link, std::int64_t now_ns);
    void close_lost(std::int64_t now_ns);
    [[nodiscard]] peer_link& add_link(std::string endpoint, std::int64_t now_ns);
    /// How long the link waits before it is tried again, in nanoseconds.
    [[nodiscard]] static std::int64_t pause_before(peer_link& link);
    peer_link::handshake try_next_key(const std::string& endpoint);
    void set_standing(peer_link& link);
    void ask_if_due(peer_link& link, std::int64_t now_ns);
    void ping(peer_link& link, std::int64_t now_ns);
    void take_catalog(peer_link& link, std::int64_t now_ns);
    void drop_catalog(peer_link& link) noexcept;
    /// What the own node has for a call. @returns when one would have started at once here, as far
    /// as is known.
    std::int64_t look_here(function_route& route, std::int64_t now_ns);
    void judge(const ledger_entry& entry, const error* why, std::int64_t now_ns);

    /// The lowest bits of a call's id on a link are its slot in the ledger.
    static constexpr unsigned slot_bits = 24;
    [[nodiscard]] static std::uint64_t link_id(const ledger_entry& entry) noexcept;
    /// Null when that sending of the call is not under way there any more.
    [[nodiscard]] ledger_entry* find(peer_link& link, std::uint64_t id) noexcept;
    void count_envelope(peer_link& link);
    void flush(peer_link& link);

    zmq::context_t& context_;
    const function_registry& functions_;
    ledger& calls_;
    forward_host& host_;
    link_counters& counters_;
    const forwarder_options options_;
    link_listener* listener_ = nullptr;
    link::connection::settings connecting_;
    std::vector<std::shared_ptr<const security::client_keys>> keys_;
    std::map<std::string, std::size_t> keys_tried_;  // by endpoint, where the first was wrong
    std::shared_ptr<const cluster_view> view_;
    std::vector<std::unique_ptr<peer_link>> links_;
    std::vector<peer_link*> dirty_;
    route_table routes_;
    cluster::key_owners owners_;
    owner_wait waiting_;  // for owners
    cluster::spread spread_;
    std::size_t calls_away_ = 0;  // on all links
    bool recalls_ = false;
    std::int64_t sent_ns_ = 0;  // the last one
    std::uint64_t links_added_ = 0;
    std::size_t coming_up_ = 0;
    dial_limits dials_;
    std::size_t first_dialled_ = 0;  // goes round, so that all have their turn
    said_once said_;
    bool any_lost_ = false;
};

}  // namespace dunlin::runtime
