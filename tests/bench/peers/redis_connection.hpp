// SPDX-License-Identifier: Apache-2.0
//
// One connection to a Redis on loopback, and the one command that is compared: INCR, in the
// protocol's own form (RESP), one request and one reply at a time. One thread at a time.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

class redis_connection {
public:
    /// Check `connected` before anything else.
    explicit redis_connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_port = htons(port);
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int now = 1;
        connected_ =
            socket_ >= 0 &&
            ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now) == 0 &&
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
    }
    ~redis_connection() {
        if (socket_ >= 0) ::close(socket_);
    }
    redis_connection(const redis_connection&) = delete;
    redis_connection& operator=(const redis_connection&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }

    /// @returns what is there afterwards; nothing when Redis did not say so.
    [[nodiscard]] std::optional<std::uint64_t> increment(const std::string& key) {
        const std::string command =
            "*2\r\n$4\r\nINCR\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
        if (!send_all(command)) return std::nullopt;
        const auto reply = read_line();
        std::uint64_t value = 0;
        if (!reply || reply->size() < 2 || reply->front() != ':') return std::nullopt;
        const char* const end = reply->data() + reply->size();
        const auto [rest, failure] = std::from_chars(reply->data() + 1, end, value);
        if (failure != std::errc{} || rest != end) return std::nullopt;
        return value;
    }

private:
    [[nodiscard]] bool send_all(const std::string& text) const {
        for (std::size_t sent = 0; sent < text.size();) {
            const auto some = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (some <= 0) return false;
            sent += static_cast<std::size_t>(some);
        }
        return true;
    }
    /// Without its end.
    [[nodiscard]] std::optional<std::string> read_line() {
        std::string line;
        char part[256];
        while (!line.ends_with("\r\n")) {
            const auto some = ::recv(socket_, part, sizeof part, 0);
            if (some <= 0) return std::nullopt;
            line.append(part, static_cast<std::size_t>(some));
        }
        line.resize(line.size() - 2);
        return line;
    }

    int socket_;
    bool connected_ = false;
};
