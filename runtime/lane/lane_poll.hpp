// SPDX-License-Identifier: Apache-2.0
//
// How a lane waits for what comes next: on its socket, its inbox, its monitor and its links.
//
// ZeroMQ's descriptors are edge-triggered: one that was readable before tells nothing, so the lane
// sleeps only when a look has found nothing everywhere. What the poll has seen spares the looks
// that would find nothing. Part of a lane; one thread.
#pragma once

#include "runtime/lane/connection_keeper.hpp"
#include "runtime/lane/inbox.hpp"
#include "runtime/lane/router_socket.hpp"
#include "runtime/link/links.hpp"
#include "support/busy_poll.hpp"

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace dunlin::runtime {

class lane_poll {
public:
    struct times {
        std::chrono::microseconds busy{0};  // awake while answers of other nodes are due
        std::chrono::microseconds idle{0};  // ... and otherwise
    };
    /// `over` need not be made yet.
    lane_poll(router_socket& socket, inbox& commands, connection_keeper& keeper, links& over,
              times awake);

    /// How much there was to do is told to this.
    [[nodiscard]] support::busy_poll& load() noexcept { return busy_poll_; }
    /// Whether the last wait, just now, found that the socket holds nothing.
    [[nodiscard]] bool take_quiet() noexcept { return std::exchange(quiet_, false); }
    /// @returns false when there is something to do at once. Otherwise whatever comes wakes the
    /// lane.
    [[nodiscard]] bool prepare_to_sleep();
    /// @pre `prepare_to_sleep()`.
    void sleep(std::int64_t until_ns, support::awaited what);

    /// While the lane ends: for peers, and for links if those are of use yet.
    enum class end_of : std::uint8_t { recall, farewell };
    void wait_at_end(end_of what, std::int64_t for_ns);

private:
    router_socket& socket_;
    inbox& inbox_;
    connection_keeper& keeper_;
    links& links_;
    support::busy_poll busy_poll_;
    std::vector<pollfd> items_;
    bool quiet_ = false;
};

}  // namespace dunlin::runtime
