// SPDX-License-Identifier: Apache-2.0
#include "tests/support/zmtp_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace dunlin::testing {

namespace {

using clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in address_of(const std::string& endpoint) {
    constexpr std::string_view scheme = "tcp://";
    const auto colon = endpoint.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(endpoint.substr(colon + 1))));
    const auto host = endpoint.substr(scheme.size(), colon - scheme.size());
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
        throw std::invalid_argument("not a numeric IPv4 endpoint: " + endpoint);
    return address;
}

// ZMTP 3.0: signature, version, mechanism, as-server, filler.
constexpr std::size_t greeting_octets = 64;
std::string greeting() {
    std::string greeting(greeting_octets, '\0');
    greeting[0] = static_cast<char>(0xff);
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting.replace(12, 4, "NULL");
    return greeting;
}

std::string property(std::string_view name, std::string_view value) {
    std::string text(1, static_cast<char>(name.size()));
    text += name;
    text += {'\0', '\0', '\0', static_cast<char>(value.size())};
    text += value;
    return text;
}

std::string ready_command(std::string_view routing_id) {
    using namespace std::string_literals;
    auto body = "\5READY"s + property("Socket-Type", "DEALER");
    if (!routing_id.empty()) body += property("Identity", routing_id);
    return zmtp_peer::frame_of(body, zmtp_peer::flag_command);
}

}  // namespace

zmtp_peer::zmtp_peer(const std::string& endpoint, std::string_view routing_id, stage until)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) fail("socket");
    const auto address = address_of(endpoint);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int why = errno;
        ::close(fd_);
        errno = why;
        fail("connect");
    }
    if (until == stage::ready) shake_hands(routing_id);
}

zmtp_peer::zmtp_peer(zmtp_peer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      read_(std::move(other.read_)) {}

zmtp_peer::~zmtp_peer() { close(); }

void zmtp_peer::shake_hands(std::string_view routing_id) {
    const auto end = clock::now() + default_wait;
    // The node's READY is a short command: flags, its size in one octet, its body.
    const bool done = send_raw(greeting()) && read_exactly(greeting_octets, end) &&
                      send_raw(ready_command(routing_id)) && read_exactly(2, end) &&
                      read_exactly(static_cast<std::uint8_t>(read_[1]), end);
    if (done) return;
    close();
    throw std::runtime_error("the node did not shake hands");
}

std::string zmtp_peer::frame_of(std::string_view payload, std::uint8_t flags) {
    constexpr std::uint8_t flag_long = 2;
    std::string octets;
    if (payload.size() <= 255) {
        octets += {static_cast<char>(flags), static_cast<char>(payload.size())};
    } else {
        octets += static_cast<char>(flags | flag_long);
        for (int shift = 56; shift >= 0; shift -= 8)
            octets += static_cast<char>(payload.size() >> shift);
    }
    return octets.append(payload);
}

std::string zmtp_peer::ping_command() {
    using namespace std::string_view_literals;
    return frame_of("\4PING\0\0"sv, flag_command);
}

bool zmtp_peer::send_raw(std::string_view octets, std::chrono::milliseconds within) {
    const auto end = clock::now() + within;
    while (!octets.empty()) {
        const auto sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            octets.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (!wait_for(POLLOUT, end)) return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool zmtp_peer::wait_for(short events, clock::time_point end) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now()).count();
    pollfd item{fd_, events, 0};
    return left > 0 && ::poll(&item, 1, static_cast<int>(left)) > 0;
}

bool zmtp_peer::read_exactly(std::size_t octets, clock::time_point end) {
    read_.resize(octets);
    for (std::size_t have = 0; have < octets;) {
        const auto got = ::recv(fd_, read_.data() + have, octets - have, MSG_DONTWAIT);
        if (got > 0)
            have += static_cast<std::size_t>(got);
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return false;
        else if (!wait_for(POLLIN, end))
            return false;
    }
    return true;
}

std::optional<std::string> zmtp_peer::receive(std::chrono::milliseconds within) {
    constexpr unsigned flag_long = 2;
    const auto end = clock::now() + within;
    for (;;) {
        if (!read_exactly(1, end)) return std::nullopt;
        const unsigned flags = static_cast<std::uint8_t>(read_[0]);
        if (!read_exactly((flags & flag_long) != 0 ? 8 : 1, end)) return std::nullopt;
        std::size_t size = 0;
        for (const char octet : read_) size = size << 8 | static_cast<std::uint8_t>(octet);
        if (!read_exactly(size, end)) return std::nullopt;
        if ((flags & flag_command) == 0) return read_;
    }
}

bool zmtp_peer::ended(std::chrono::milliseconds within) {
    const auto end = clock::now() + within;
    char ignored[4096];
    for (;;) {
        const auto got = ::recv(fd_, ignored, sizeof ignored, MSG_DONTWAIT);
        if (got == 0) return true;
        if (got < 0 && errno == EAGAIN) {
            if (!wait_for(POLLIN, end)) return false;
        } else if (got < 0 && errno != EINTR) {
            return true;
        }
    }
}

void zmtp_peer::reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void zmtp_peer::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace dunlin::testing
