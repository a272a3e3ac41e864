// SPDX-License-Identifier: Apache-2.0
//
// The connections of one client: made where the plan says, looked after, and taken down.
//
// A connection is made without anyone waiting for it: its host is looked up beside everything
// else, it has a time to be welcomed in, and one that fails is taken out with the next upkeep.
// Nodes with calls that go silent are asked, and given up when they do not answer, as long as
// there are others.
//
// Belongs to the thread that drives, with the driver's mutex held. `open` gives the mutex up while
// names are looked up and sockets made; what sends and receives on connections holds it only where
// it touches what their channels share.
#pragma once

#include "client/connection.hpp"
#include "client/fleet.hpp"
#include "client/name_lookup.hpp"
#include "support/wake_event.hpp"

#include <poll.h>
#include <zmq.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace dunlin::link {

class connection_set {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using lock = fleet::lock;
    using list = std::vector<std::unique_ptr<connection>>;

    /// @param news is signalled when a name server has answered.
    connection_set(fleet& nodes, connection::settings how, support::wake_event& news,
                   support::address_resolver::lookup look_up);

    [[nodiscard]] list& all() noexcept { return connections_; }
    [[nodiscard]] bool unsent() const noexcept;
    /// Something is to be done here, or waited for, while no call is in flight.
    [[nodiscard]] bool pending() const noexcept;
    /// When `upkeep` of this has something to do next.
    [[nodiscard]] time_point next_action() const noexcept;

    /// Asks nodes that are silent, and gives up those that do not answer.
    /// @param window as for `outbox::appended`
    /// @returns whether there is something to send.
    bool feel_pulses(time_point now, std::size_t window);

    [[nodiscard]] bool any_to_close(time_point now) const noexcept;
    /// Takes those that have failed from the fleet; `lost(connection)` sees to their calls.
    template <class Lost>
    void detach_failed(time_point now, Lost&& lost) {
        for (const auto& one : connections_) {
            if (!has_failed(*one, now)) continue;
            nodes_.lost(*one, now);
            lost(*one);
        }
    }
    /// Those that are of no use any more.
    [[nodiscard]] list take_closed(time_point now);

    /// An attempt that nobody makes any more must not look like work: there is none after `stop`.
    [[nodiscard]] bool any_to_open(time_point now) const noexcept {
        return !stopping_ && (nodes_.plan().next_action() <= now || names_.ready(now));
    }
    void open(lock& held, time_point now);

    /// Appends a socket and its monitor for each connection.
    void add_descriptors(std::vector<pollfd>& to) const;
    /// Handles what a poll of these found. Without the mutex.
    void read_events(std::span<const pollfd> found);
    /// The same, for who has not polled.
    void read_events() {
        for (const auto& one : connections_) one->read_events();
    }

    /// Nothing is opened from now on.
    void stop() noexcept { stopping_ = true; }
    /// Says farewell and closes all. Without the mutex; nobody else uses the client any more.
    void close();

private:
    [[nodiscard]] bool has_failed(connection& one, time_point now);
    [[nodiscard]] bool to_close(const connection& one, time_point now) const noexcept;
    [[nodiscard]] bool listens_to(const connection& one) const noexcept;
    void connect(lock& held, const name_lookup::outcome& to, time_point now);

    fleet& nodes_;
    const connection::settings how_;
    zmq::context_t context_{1};
    list connections_;
    name_lookup names_;
    bool stopping_ = false;
};

}  // namespace dunlin::link
