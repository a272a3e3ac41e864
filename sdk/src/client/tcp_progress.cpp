// SPDX-License-Identifier: Apache-2.0
#include "client/tcp_progress.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace dunlin::link {

bool tcp_progress::moved() noexcept {
    tcp_info now{};
    socklen_t size = sizeof now;
    if (fd_ < 0 || ::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &now, &size) != 0) return false;
    const bool received = now.tcpi_bytes_received - received_ >= bytes_min;
    const bool acknowledged = now.tcpi_bytes_acked != acknowledged_;
    received_ = now.tcpi_bytes_received;
    acknowledged_ = now.tcpi_bytes_acked;
    return received || (acknowledged && now.tcpi_notsent_bytes > 0);
}

}  // namespace dunlin::link
