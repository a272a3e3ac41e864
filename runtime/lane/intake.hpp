// SPDX-License-Identifier: Apache-2.0
//
// The inward half of a lane: from frames on the socket to what is in them.
//
// A frame belongs to a peer, or to a connection that has to say hello first. Its calls go to
// `admission`, all else to the part that it is for. Frames that are too much for one go are read in
// slices, after those of others (bulk_frames.hpp). Nothing in a frame is trusted: what is
// malformed, too large or not its sender's to say is answered and counted. Runs no user code, so
// the lane can be put down between two frames or slices and nowhere else. Part of a lane; one
// thread.
#pragma once

#include "actors/key_offers.hpp"
#include "runtime/lane/admission.hpp"
#include "runtime/lane/authorizer.hpp"
#include "runtime/lane/bulk_frames.hpp"
#include "runtime/lane/connection_keeper.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/departures.hpp"
#include "runtime/lane/handshake.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/neighbours.hpp"
#include "runtime/lane/open_calls.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/lane/router_socket.hpp"
#include "runtime/lane/turn_clock.hpp"
#include "support/busy_poll.hpp"

#include <zmq.hpp>

#include <cstddef>
#include <string_view>

namespace dunlin::runtime {

class intake {
public:
    intake(router_socket& socket, connection_keeper& keeper, outlet& out,
           runtime::handshake& greets, runtime::departures& leaving, runtime::neighbours& others,
           open_calls& calls, admission& admits, memory_budget& budget, support::busy_poll& load,
           lane_counters& counters, turn_clock& clock, std::size_t frame_bytes_max);

    /// Before the lane serves, on a node with a key.
    void use_keys(authorizer& of) noexcept { authorizer_ = &of; }
    /// Before the lane serves, on a node that shares its state; null: it does not.
    void use_offers(actors::key_offers* of) noexcept { offers_ = of; }

    /// Takes the next frame from the socket. @returns false when there is none.
    [[nodiscard]] bool receive();
    /// Reads a slice of what is too much to be read in one go. @pre some peer has bulk.
    void read_bulk();

private:
    /// `bytes` of the connection are read with it.
    void take_frame(std::string_view routing_id, zmq::message_t frame, std::size_t bytes,
                    bool single);
    void read_frame(peer* from, std::string_view routing_id, zmq::message_t frame);
    void refuse_oversized(peer& from, std::size_t bytes);
    /// @returns whether the frame goes on; then `from` is there.
    [[nodiscard]] bool read_slice(peer*& from, std::string_view routing_id, frame_reading& of,
                                  const handshake::sender& by);
    /// Sees to an envelope that is no call and leaves its sender where it is.
    void read_control(peer& from, const wire::frame_reader& reader, frame_reading& of,
                      gathering& gathered);
    void take_offer(wire::item_list keys) const;
    void say_bye(peer& leaving);

    router_socket& socket_;
    connection_keeper& keeper_;
    outlet& outlet_;
    handshake& handshake_;
    departures& departures_;
    neighbours& neighbours_;
    open_calls& calls_;
    admission& admission_;
    memory_budget& budget_;
    support::busy_poll& busy_poll_;
    lane_counters& counters_;
    turn_clock& clock_;
    const std::size_t frame_bytes_max_;
    authorizer* authorizer_ = nullptr;      // null: this node has no key
    actors::key_offers* offers_ = nullptr;  // null: it shares no state
};

}  // namespace dunlin::runtime
