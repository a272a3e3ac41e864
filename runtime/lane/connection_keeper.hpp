// SPDX-License-Identifier: Apache-2.0
//
// The transport under a lane's peers: which connections there are, which of them end, and why.
//
// ZeroMQ tells a monitor of each connection that it accepts and of its end. All else comes from the
// kernel and from the lane's own counts, and is looked at every tenth of a second while there are
// connections: the path of a call only counts. A connection ends when there is no room for it, when
// it says no hello in time, claims an id that is not its to choose, sends more than can be read, or
// has calls in flight and answers no ping; what becomes of its peer is the outlet's business.
// Also keeps the turns of peers whose frames are too much to be read in one go (bulk_frames.hpp):
// what they sent counts as unread on their connections. Part of a lane; one thread.
#pragma once

#include "runtime/lane/bulk_frames.hpp"
#include "runtime/lane/connection_table.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/descriptors.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/lane/reply_budget.hpp"
#include "runtime/lane/router_socket.hpp"
#include "runtime/lane/routing_id_probe.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

class heap_trim;

class connection_keeper {
public:
    struct options {
        std::size_t connections_max = 0;
        heap_trim* trim = nullptr;  // null: nobody is told how much is held
    };
    /// `now_ns` is the lane's time.
    connection_keeper(router_socket& socket, connection_table& connections, outlet& out,
                      memory_budget& budget, reply_budget& replies, lane_counters& counters,
                      const std::int64_t& now_ns, options how);

    /// Before the first turn.
    void start();
    void close() { probe_.close(); }

    void read_monitor();
    /// @returns whether a frame of a connection on which nobody has said hello is seen to.
    [[nodiscard]] bool turn_away(std::string_view routing_id, zmq::message_t& frame,
                                 std::size_t bytes);
    /// A frame of a peer has come.
    void took(peer& from, std::size_t bytes) {
        if (from.connection != nullptr && connections_.took(*from.connection, bytes))
            publish_unread();
    }
    /// Everything that had come has been taken.
    void saw_nothing() noexcept { connections_.saw_nothing(); }

    /// The peer has said hello on the connection of this descriptor.
    void attach(peer& added, int fd);
    void detach(peer& leaving);
    /// Ends the peer's connection when it has had the time to read why.
    void end_later(peer& told);

    /// What there is to do from time to time, at `due_ns()`.
    void tend();
    [[nodiscard]] std::int64_t due_ns() const noexcept { return due_ns_; }

    // Peers that have bulk take turns.
    [[nodiscard]] bool has_bulk() const noexcept { return !bulky_.empty(); }
    void put_off(peer& from, zmq::message_t frame, std::int64_t came_ns);
    /// @pre `has_bulk()`. @returns whose turn it is, out of the row.
    [[nodiscard]] peer& next_bulky();
    /// Back into the row, at its end.
    void queue_bulky(peer& of) { bulky_.push_back(&of); }
    /// @pre the peer has a frame that is not begun.
    [[nodiscard]] bulk_frames::frame begin_bulk(peer& of);
    /// Everything that is left; null: nothing.
    std::unique_ptr<bulk_frames> take_bulk(peer& of);

private:
    /// Of a connection that has something to read before it ends.
    struct ending {
        int fd;
        std::uint64_t socket;
        std::int64_t at_ns;
    };

    void accepted(int fd);
    void closed(int fd);
    void accept_failed(int why);
    void ask_for_routing_id();
    void end_claimers(std::size_t claims);
    [[nodiscard]] bool sweep();
    void look_after(peer& speaker, const traffic& before, const traffic& now);
    void end_flooding();
    void publish_unread();
    void be_due(std::int64_t at_ns) noexcept { due_ns_ = std::min(due_ns_, at_ns); }
    [[nodiscard]] bool once_a_minute(std::int64_t& next_ns) const;

    router_socket& socket_;
    connection_table& connections_;
    outlet& outlet_;
    memory_budget& budget_;
    reply_budget& replies_;
    lane_counters& counters_;
    const std::int64_t& now_ns_;
    const options options_;
    routing_id_probe probe_;
    bool accepts_are_told_ = false;  // by the monitor; a simulated one tells of ends only
    spare_descriptors spares_;
    bool out_of_descriptors_ = false;
    std::vector<ending> endings_;
    std::deque<peer*> bulky_;  // those with bulk, in the order of their turns
    std::int64_t due_ns_ = std::numeric_limits<std::int64_t>::max();
    std::size_t unread_published_ = 0;
    std::int64_t say_claims_ns_ = 0;
    std::int64_t say_no_room_ns_ = 0;
    std::int64_t say_flooding_ns_ = 0;
};

}  // namespace dunlin::runtime
