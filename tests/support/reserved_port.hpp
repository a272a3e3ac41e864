// SPDX-License-Identifier: Apache-2.0
//
// A free loopback port that stays free for whoever listens there, ends, and listens again.
//
// The system gives a port that nobody holds to the next who asks for any, and tests run side by
// side. A socket that is bound but does not listen keeps it: those who ask for any port do not get
// it, those who ask for this one (with SO_REUSEADDR, as ZeroMQ does) do.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace dunlin::tests {

class reserved_port {
public:
    reserved_port() {
        const int on = 1;
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        auto* address = reinterpret_cast<sockaddr*>(&at);
        if (fd_ < 0 || ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
            ::bind(fd_, address, size) != 0 || ::getsockname(fd_, address, &size) != 0)
            throw std::system_error(errno, std::generic_category(), "no port to be had");
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    }
    reserved_port(const reserved_port&) = delete;
    reserved_port& operator=(const reserved_port&) = delete;
    ~reserved_port() { ::close(fd_); }

    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }

private:
    int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string endpoint_;
};

}  // namespace dunlin::tests
