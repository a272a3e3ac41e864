// SPDX-License-Identifier: Apache-2.0
//
// Whether a connection is in the middle of moving bytes.
//
// ZeroMQ hands messages over whole, and nothing overtakes a large one: while it is on its way, for
// seconds on a slow network, its receiver hears nothing and its sender gets no answer. The kernel
// knows better. What it has only been asked to send does not count, nor what the other side's
// kernel has taken into its buffers while the process there hangs.
// Belongs to the thread that has the connection's socket.
#pragma once

#include <cstdint>

namespace dunlin::link {

class tcp_progress {
public:
    /// Of the transport; it may be closed already, and then nothing moves.
    void watch(int fd) noexcept { fd_ = fd; }
    /// @returns whether bytes have moved since the last call.
    [[nodiscard]] bool moved() noexcept;

    /// Less than this is no part of a message that takes long: ZeroMQ's heartbeats, which its own
    /// thread answers even while the process hangs.
    static constexpr std::uint64_t bytes_min = 1024;

private:
    int fd_ = -1;
    std::uint64_t received_ = 0;
    std::uint64_t acknowledged_ = 0;
};

}  // namespace dunlin::link
