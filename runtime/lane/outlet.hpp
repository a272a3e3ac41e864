// SPDX-License-Identifier: Apache-2.0
//
// The outward half of a lane: from answers to frames on the socket.
//
// Answers for one peer leave together, in the order they were given, at the end of a turn or when
// there are many of them. A peer that reads slowly has a backlog (backpressure: ZeroMQ's queue is
// full); one whose backlog reaches the limit, or that holds most while all of them together hold
// too much, is given up. Peers that cannot be reached are marked as gone and removed by
// `flush_all`: nothing else removes a peer under its caller's feet.
// Owns the peers. Part of a lane; one thread.
#pragma once

#include "actors/output_buffer.hpp"
#include "runtime/lane/connection_table.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/load_reporter.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/lane/reply_budget.hpp"
#include "runtime/lane/router_socket.hpp"
#include "runtime/said_once.hpp"

#include <dunlin/result.hpp>

#include <zmq.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::link {
class received_frame;
}

namespace dunlin::runtime {

class outlet {
public:
    struct options {
        std::string node_name;
        std::size_t backlog_bytes_max = 0;  // of one peer
    };
    /// `now_ns` is the lane's time.
    outlet(router_socket& socket, connection_table& connections, reply_budget& replies,
           load_reporter& loads, lane_counters& counters, const std::int64_t& now_ns, options how);

    [[nodiscard]] peer_table& peers() noexcept { return peers_; }

    /// The answer of a function of this node. The memory of a large one is sent as it is.
    void reply_value(peer& to, std::uint64_t call_id, const actors::pool* pool,
                     actors::output_buffer& payload);
    /// An answer that is kept elsewhere, and copied.
    void reply_copy(peer& to, std::uint64_t call_id, bytes_view payload);
    /// Another node's reply. @param frame which ends with the payload; null if it does not
    void reply_on(peer& to, std::uint64_t call_id, bytes_view payload,
                  const std::shared_ptr<link::received_frame>& frame);
    void reply_error(peer& to, std::uint64_t call_id, const error& why, std::uint32_t losses = 0);
    /// The same for an `overloaded` that is not the function's: the caller's calls of others would
    /// be refused as well, and it should not try them here before the time that it is told.
    void reply_full(peer& to, std::uint64_t call_id, const error& why);
    void reply_failure(peer& to, const wire::failure& failure);
    void say_goaway(peer& to);
    template <class Envelope>
    void say(peer& to, const Envelope& envelope) {
        wire::append(to.out, envelope);
        count_envelope(to);
    }
    /// `to.out` has one envelope more, and may leave.
    void count_envelope(peer& to);

    void flush(peer& to);
    /// Only what is so much that it does not wait for the end of the turn.
    void flush_large();
    /// Everything. `remove(peer, why)` is called for each peer that is gone, and calls `forget`.
    template <class Remove>
    void flush_all(Remove&& remove) {
        // A slow peer's backlog goes first, so that its answers stay in order.
        for (auto* each : std::exchange(backlogged_, {})) send_backlog(*each);
        // Sending may find a peer unreachable, which puts it into the list once more: for removal.
        while (!dirty_.empty()) {
            leave_out_gone_suspects();
            for (auto* each : std::exchange(dirty_, {})) {
                each->dirty = false;
                if (each->gone)
                    remove(*each, "unreachable or too slow");
                else
                    flush(*each);
            }
        }
    }
    /// @returns whether ZeroMQ has it now; otherwise it is as it was, and `to.gone` says whether it
    /// can be tried again.
    [[nodiscard]] bool try_send(peer& to, zmq::message_t& frame);

    /// It cannot be reached, and is removed by the next `flush_all`.
    void lose(peer& unreachable);
    /// Lets go what is to be sent to the peer, which is about to be removed.
    void forget(peer& leaving);
    /// This node ends the connection, with or without a peer.
    void end_connection(accepted_connection& which);
    /// Ends connections of peers that read too slowly while all of them hold too much.
    void give_up_slowest();

    /// Its connection may have ended. Asks it until it answers or cannot be reached.
    void suspect(peer& disconnected);
    void probe_suspects();
    /// Whether a peer is to be asked, or tried, again soon.
    [[nodiscard]] bool tries_again() const noexcept {
        return !backlogged_.empty() || !suspects_.empty();
    }

private:
    void leave_out_gone_suspects();
    void send_frame(peer& to, zmq::message_t frame);
    void send_backlog(peer& to);
    void keep_in_backlog(peer& of, std::size_t bytes);
    void left_backlog(peer& of, std::size_t bytes);
    void forget_backlog(peer& of, std::size_t small_bytes);
    void give_up_slow(peer& reads_too_slowly);

    router_socket& socket_;
    connection_table& connections_;
    reply_budget& replies_;
    load_reporter& loads_;
    lane_counters& counters_;
    const std::int64_t& now_ns_;
    const options options_;
    peer_table peers_;
    std::vector<peer*> dirty_;       // to flush, or to remove
    std::vector<peer*> backlogged_;  // with frames that ZeroMQ had no room for
    std::vector<peer*> suspects_;    // perhaps disconnected
    said_once said_;
};

}  // namespace dunlin::runtime
