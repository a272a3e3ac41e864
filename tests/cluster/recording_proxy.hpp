// SPDX-License-Identifier: Apache-2.0
//
// Stands between a client and a node, and keeps every byte that the client sends: somebody on the
// way who can read and repeat, and cannot decrypt.
//
// One connection; a thread of its own relays until one side ends or this is destroyed.
#pragma once

#include "tests/support/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace dunlin::testing {

/// A TCP socket that closes itself.
class tcp_socket {
public:
    tcp_socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
    }
    explicit tcp_socket(int fd) : fd_(fd) {}
    tcp_socket(const tcp_socket&) = delete;
    tcp_socket& operator=(const tcp_socket&) = delete;
    ~tcp_socket() { ::close(fd_); }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// Connects to the port of an endpoint on this machine. @returns false if it cannot.
    [[nodiscard]] bool connect(const std::string& endpoint) const {
        const auto port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
        const auto to = loopback(static_cast<std::uint16_t>(port));
        return ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    [[nodiscard]] bool send_all(std::string_view data) const {
        while (!data.empty()) {
            const auto sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            data.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }

private:
    int fd_;
};

class recording_proxy {
public:
    explicit recording_proxy(std::string node) : node_(std::move(node)) {
        const auto any = tcp_socket::loopback(0);
        REQUIRE(::bind(listener_.fd(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
        REQUIRE(::listen(listener_.fd(), 1) == 0);
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        REQUIRE(::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(bound.sin_port));
        thread_ = std::thread([this] { relay(); });
    }
    ~recording_proxy() { end(); }

    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
    /// Ends the connection. @returns what the client has sent.
    const std::string& end() {
        ending_ = true;
        if (thread_.joinable()) thread_.join();
        return recorded_;
    }

private:
    [[nodiscard]] bool readable(int fd) const {
        pollfd item{fd, POLLIN, 0};
        while (!ending_)
            if (::poll(&item, 1, 10) > 0) return true;
        return false;
    }
    void relay() {
        if (!readable(listener_.fd())) return;
        const tcp_socket client(::accept(listener_.fd(), nullptr, nullptr));
        const tcp_socket node;
        if (!node.connect(node_)) return;
        char buffer[65536];
        while (!ending_) {
            pollfd items[] = {{client.fd(), POLLIN, 0}, {node.fd(), POLLIN, 0}};
            if (::poll(items, 2, 10) <= 0) continue;
            for (int i = 0; i < 2; ++i) {
                if (items[i].revents == 0) continue;
                const auto got = ::recv(items[i].fd, buffer, sizeof buffer, 0);
                if (got <= 0) return;
                const std::string_view data(buffer, static_cast<std::size_t>(got));
                if (i == 0) recorded_ += data;
                if (!(i == 0 ? node : client).send_all(data)) return;
            }
        }
    }

    std::string node_;
    std::string endpoint_;
    tcp_socket listener_;
    std::atomic<bool> ending_{false};
    std::string recorded_;  // of the thread until it has ended
    std::thread thread_;
};

}  // namespace dunlin::testing
