// SPDX-License-Identifier: Apache-2.0
//
// What a client may find at an endpoint instead of a node: a host that answers nothing at all, and
// a server that speaks something else. Both on a free loopback port.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace dunlin::tests {

class tcp_socket {
public:
    explicit tcp_socket(int fd) : fd_(fd) { check(fd_, "socket"); }
    tcp_socket() : tcp_socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
    tcp_socket(const tcp_socket&) = delete;
    tcp_socket& operator=(const tcp_socket&) = delete;
    ~tcp_socket() { ::close(fd_); }

    static void check(int returned, const char* what) {
        if (returned < 0) throw std::system_error(errno, std::generic_category(), what);
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] sockaddr_in address() const {
        sockaddr_in at{};
        socklen_t size = sizeof at;
        check(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), "getsockname");
        return at;
    }
    [[nodiscard]] std::string endpoint() const {
        return "tcp://127.0.0.1:" + std::to_string(ntohs(address().sin_port));
    }
    void listen(int backlog) {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        check(::bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any), "bind");
        check(::listen(fd_, backlog), "listen");
    }

private:
    int fd_;
};

/// Nobody accepts here and the queue is full, so what arrives is dropped, as by a firewall.
class silent_port {
public:
    silent_port() {
        listener_.listen(0);
        const auto at = listener_.address();
        for (auto& one : queued_) {
            // On loopback a connection that still fits is made at once; the rest keep trying.
            if (::connect(one.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0 &&
                errno != EINPROGRESS)
                throw std::system_error(errno, std::generic_category(), "connect");
        }
    }
    [[nodiscard]] std::string endpoint() const { return listener_.endpoint(); }

private:
    tcp_socket listener_;
    std::array<tcp_socket, 4> queued_;
};

/// Greets whoever connects with a text, and hangs up once it hears something.
class plain_server {
public:
    explicit plain_server(std::string greeting) : greeting_(std::move(greeting)) {
        listener_.listen(16);
        tcp_socket::check(::pipe(stop_), "pipe");
        thread_ = std::thread([this] { serve(); });
    }
    plain_server(const plain_server&) = delete;
    plain_server& operator=(const plain_server&) = delete;
    ~plain_server() {
        ::close(stop_[1]);
        thread_.join();
        ::close(stop_[0]);
    }
    [[nodiscard]] std::string endpoint() const { return listener_.endpoint(); }

private:
    /// @returns false when the server stops.
    bool wait_for(int fd) const {
        pollfd items[] = {{fd, POLLIN, 0}, {stop_[0], POLLIN, 0}};
        while (::poll(items, 2, -1) < 0 && errno == EINTR) continue;
        return items[1].revents == 0;
    }
    void serve() const {
        while (wait_for(listener_.fd())) {
            const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) continue;
            const tcp_socket accepted(fd);
            char heard[256];
            if (::send(fd, greeting_.data(), greeting_.size(), MSG_NOSIGNAL) < 0) continue;
            if (!wait_for(fd)) return;
            while (::recv(fd, heard, sizeof heard, MSG_DONTWAIT) > 0) continue;
        }
    }

    tcp_socket listener_;
    std::string greeting_;
    int stop_[2] = {-1, -1};
    std::thread thread_;
};

}  // namespace dunlin::tests
