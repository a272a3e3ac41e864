// SPDX-License-Identifier: Apache-2.0
//
// The links of one lane: a connection to each living member, and to addresses that are to be
// joined.
//
// ZeroMQ does not reconnect by itself: a connection that is lost is closed and reported, and a new
// one begins with a pause and a new handshake. Members that are known from hearsay only are
// dialled slowly (`dial_limits`), a link that is silent while answers are owed is given up
// (`cluster::pulse`), and names are looked up by others than ZeroMQ's one thread. Which calls a
// link carries, and what its node serves, is the router's to know (`link_user`). Owned by a lane;
// one thread.
#pragma once

#include "runtime/link/dial_limits.hpp"
#include "runtime/link/key_choice.hpp"
#include "runtime/link/link_counters.hpp"
#include "runtime/link/link_user.hpp"
#include "runtime/link/peer_link.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/said_once.hpp"
#include "wire/envelope.hpp"

#include <poll.h>
#include <zmq.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::runtime {

struct link_options {
    std::string node_name;
    std::string cluster;
    std::uint64_t instance = 0;  // 0: this node is alone, and forwards nothing
    std::size_t lane = 0;        // its number, which chooses the lane at the other end
    std::uint64_t seed = 1;
};

class links {
public:
    links(zmq::context_t& context, link_user& user, link_counters& counters, link_options options);
    ~links();

    /// Before the lane serves. Only one lane of a node has one.
    void listen(link_listener& listener) { listener_ = &listener; }
    /// The keys that other nodes may have, for links that are made from now on; none: plain ZeroMQ.
    void use_keys(std::vector<key_choice::keys_ptr> keys);

    // -- which nodes there are -----------------------------------------------------------------
    void set_members(const cluster_view& view, std::int64_t now_ns);
    /// Tries to reach a node whose name is not known yet.
    void reach(const std::string& endpoint, std::int64_t now_ns);
    /// What a name that was looked up stands for; none, and why.
    void found_addresses(const std::string& endpoint, const std::vector<std::string>& addresses,
                         const std::string& problem, std::int64_t now_ns);
    /// Null when there is none to that node.
    [[nodiscard]] peer_link* find(std::uint64_t instance) noexcept;
    [[nodiscard]] const std::vector<std::unique_ptr<peer_link>>& all() const noexcept {
        return links_;
    }
    /// Links to members that have just been made and are of no use yet.
    [[nodiscard]] std::size_t coming_up() const noexcept { return coming_up_; }

    // -- sending -------------------------------------------------------------------------------
    /// An envelope has been appended to `link.out`: it leaves at the end of the turn, or now if the
    /// frame is full.
    void appended(peer_link& link);
    /// @returns false when there is no live link to that node.
    bool send_gossip(std::uint64_t to, bytes_view message);
    void flush();

    // -- the lane's turn -----------------------------------------------------------------------
    /// Reads what has come. `up.replied(link, reply)` and `up.failed(link, failure)` get what
    /// answers calls, `up.cold(link, id)` that the reply of that call will have paid for a start,
    /// `up.loads(link, items)` what a node tells of its load.
    /// @returns whether a link may hold more than was taken.
    template <class Up>
    bool receive(Up& up, std::int64_t now_ns) {
        bool more = false;
        // What one brings may add another.
        for (std::size_t i = 0; i < links_.size(); ++i) {
            auto& link = *links_[i];
            if (std::exchange(link.quiet, false) || link.connection == nullptr || link.lost)
                continue;
            more = receive_from(link, up, now_ns) || more;
        }
        return more;
    }
    /// Before the lane sleeps on the descriptors, which are edge-triggered: whether something has
    /// arrived that they do not tell.
    [[nodiscard]] bool has_news();
    /// Connects, gives up, reconnects. @returns when there is something to do next.
    std::int64_t advance(std::int64_t now_ns);
    /// Looks for news about the transports.
    void read_events();
    void add_poll_items(std::vector<pollfd>& to) const;
    /// The same items after a poll, with nothing done in between: the next `receive` passes over
    /// the links that they call quiet. Each look that finds nothing takes three system calls.
    void polled(std::span<const pollfd> items);
    void give_up(peer_link& link, std::string why);
    void say_bye();

private:
    /// One link must not keep the lane from the others.
    static constexpr int frames_per_look = 16;

    template <class Up>
    bool receive_from(peer_link& link, Up& up, std::int64_t now_ns) {
        link.unheard = false;
        for (int frames = 0; frames < frames_per_look; ++frames) {
            const auto frame = link.connection->receive();
            if (!frame) return false;
            heard(link, now_ns);
            if (frame->one_part())
                read_frame(link, frame, up, now_ns);
            else
                give_up(link, "it sent a message of several parts");
            if (link.lost) return false;
        }
        return true;
    }
    template <class Up>
    void read_frame(peer_link& link, const std::shared_ptr<link::received_frame>& frame, Up& up,
                    std::int64_t now_ns) {
        wire::frame_reader reader(frame->view());
        while (!link.lost) {
            const auto status = reader.next();
            if (status == wire::read_status::end) return;
            if (status == wire::read_status::skipped) continue;
            if (status == wire::read_status::malformed) return malformed(link, reader.problem());
            switch (reader.kind()) {
                case wire::kind::reply: {
                    const auto& reply = reader.reply();
                    const auto whole = frame->view();
                    const bool last =
                        std::to_address(reply.payload.end()) == std::to_address(whole.end());
                    up.replied(link, reply, last ? frame : nullptr, now_ns);
                    break;
                }
                case wire::kind::failure: up.failed(link, reader.failure(), now_ns); break;
                case wire::kind::cold: up.cold(link, reader.id_or_token()); break;
                case wire::kind::load: up.loads(link, reader.items(), now_ns); break;
                default: read_control(link, reader, now_ns);
            }
        }
    }

    // links_frames.cpp: what is about the link itself
    void heard(peer_link& link, std::int64_t now_ns);
    void malformed(peer_link& link, std::string_view problem);
    void read_control(peer_link& link, wire::frame_reader& reader, std::int64_t now_ns);
    void welcomed(peer_link& link, const wire::welcome& welcome, std::int64_t now_ns);
    void read_catalog(peer_link& link, wire::item_list functions, std::int64_t now_ns);
    void goaway(peer_link& link, const wire::goaway& envelope);
    void ponged(peer_link& link, std::int64_t now_ns);

    // links.cpp: links come and go
    void look_up_or_connect(peer_link& link, std::int64_t now_ns);
    void connect(peer_link& link, const std::string& address, std::int64_t now_ns);
    /// What one pass over the links has dialled.
    struct dial_round {
        std::size_t at = 0;                      // the link that is looked at
        std::optional<std::size_t> strangers{};  // under way; counted when it matters
        bool put_off = false;                    // one or more have to wait
    };
    /// @returns when the link has something to do next.
    [[nodiscard]] std::int64_t advance(peer_link& link, dial_round& dialling, std::int64_t now_ns);
    [[nodiscard]] std::int64_t dial(peer_link& link, dial_round& round, std::int64_t now_ns);
    void close(peer_link& link, std::int64_t now_ns);
    void close_lost(std::int64_t now_ns);
    [[nodiscard]] peer_link& add_link(std::string endpoint, std::int64_t now_ns);
    void ask_if_due(peer_link& link, std::int64_t now_ns);
    void ping(peer_link& link, std::int64_t now_ns);
    void flush(peer_link& link);

    zmq::context_t& context_;
    link_user& user_;
    link_counters& counters_;
    const link_options options_;
    link_listener* listener_ = nullptr;
    link::connection::settings connecting_;
    key_choice keys_;
    std::vector<std::unique_ptr<peer_link>> links_;
    std::vector<peer_link*> dirty_;
    std::uint64_t links_added_ = 0;
    std::size_t coming_up_ = 0;
    dial_limits dials_;
    std::size_t first_dialled_ = 0;  // goes round, so that all have their turn
    said_once said_;
    bool any_lost_ = false;
};

}  // namespace dunlin::runtime
