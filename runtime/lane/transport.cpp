// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/transport.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace dunlin::runtime::transport {

std::uint64_t name_of(int fd) noexcept {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
    return cookie;
}

bool traffic_of(const accepted_connection& of, traffic& into) noexcept {
    if (of.socket == 0 || name_of(of.fd) != of.socket) return false;
    tcp_info now{};
    socklen_t size = sizeof now;
    if (::getsockopt(of.fd, IPPROTO_TCP, TCP_INFO, &now, &size) != 0) return false;
    into.received = now.tcpi_bytes_received;
    into.acknowledged = now.tcpi_bytes_acked;
    into.all_acknowledged = now.tcpi_unacked == 0 && now.tcpi_notsent_bytes == 0;
    return true;
}

// Between the look at the name and the shutdown ZeroMQ could close the descriptor, and another
// connection be accepted under it: that one would be ended instead, and its peer connects again.
void end(const accepted_connection& which) noexcept {
    if (which.socket == 0 || name_of(which.fd) != which.socket) return;
    ::shutdown(which.fd, SHUT_RDWR);
}

}  // namespace dunlin::runtime::transport
