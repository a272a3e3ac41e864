// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says of ZeroMQ's connections, and how to end one although ZeroMQ cannot.
//
// Descriptors belong to ZeroMQ's own thread, which may close one and have another under the same
// number at any time. The kernel names each socket with a number that it never gives twice; nothing
// is done to a descriptor whose socket has another name. Stateless; any thread.
#pragma once

#include "runtime/lane/connection_table.hpp"

#include <cstdint>

namespace dunlin::runtime::transport {

/// The kernel's name for the socket. 0: it has none, or the descriptor is none of a socket.
[[nodiscard]] std::uint64_t name_of(int fd) noexcept;

/// @returns false when the descriptor is that of another connection by now.
[[nodiscard]] bool traffic_of(const accepted_connection& of, traffic& into) noexcept;

/// ZeroMQ sees the connection end, as if the peer had ended it, and lets go what it holds for it.
void end(const accepted_connection& which) noexcept;

}  // namespace dunlin::runtime::transport
