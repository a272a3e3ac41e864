// SPDX-License-Identifier: Apache-2.0
#include "client/tcp_progress.hpp"

#include "plain_sockets.hpp"
#include "tests/support/catch.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

using dunlin::link::tcp_progress;
using dunlin::tests::tcp_socket;

namespace {

// Two ends of a connection that holds little.
struct tcp_pair {
    tcp_pair() {
        const int small = 16 << 10;
        ::setsockopt(listener.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        listener.listen(1);
        const auto at = listener.address();
        const int begun = ::connect(near.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
        REQUIRE((begun == 0 || errno == EINPROGRESS));
        pollfd ready{listener.fd(), POLLIN, 0};
        REQUIRE(::poll(&ready, 1, 20'000) == 1);
        far = ::accept(listener.fd(), nullptr, nullptr);
        REQUIRE(far >= 0);
    }
    ~tcp_pair() { ::close(far); }
    // Sends until nothing more fits.
    void fill() const {
        const std::string block(4096, 'x');
        pollfd writable{near.fd(), POLLOUT, 0};
        while (::poll(&writable, 1, 300) == 1)
            if (::send(near.fd(), block.data(), block.size(), MSG_DONTWAIT) < 0) break;
    }
    tcp_socket listener;
    tcp_socket near;
    int far = -1;
};

}  // namespace

TEST_CASE("progress sees bytes that arrive, once") {
    tcp_pair link;
    tcp_progress progress;
    progress.watch(link.near.fd());
    static_cast<void>(progress.moved());
    CHECK_FALSE(progress.moved());
    pollfd readable{link.near.fd(), POLLIN, 0};
    REQUIRE(::send(link.far, "abc", 3, 0) == 3);
    REQUIRE(::poll(&readable, 1, 20'000) == 1);
    CHECK_FALSE(progress.moved());  // as short as a heartbeat
    const std::string block(tcp_progress::bytes_min, 'x');
    std::string taken(block.size() + 3, ' ');
    REQUIRE(::recv(link.near.fd(), taken.data(), 3, 0) == 3);
    REQUIRE(::send(link.far, block.data(), block.size(), 0) == static_cast<ssize_t>(block.size()));
    REQUIRE(::poll(&readable, 1, 20'000) == 1);
    std::size_t arrived = 0;
    while (arrived < block.size()) {
        REQUIRE(::poll(&readable, 1, 20'000) == 1);
        const auto some = ::recv(link.near.fd(), taken.data(), taken.size(), 0);
        REQUIRE(some > 0);
        arrived += static_cast<std::size_t>(some);
    }
    CHECK(progress.moved());
    CHECK_FALSE(progress.moved());
}

TEST_CASE("progress sees a long message that the other side takes, and when it stops to") {
    tcp_pair link;
    tcp_progress progress;
    progress.watch(link.near.fd());
    link.fill();
    static_cast<void>(progress.moved());
    CHECK_FALSE(progress.moved());
    // It reads on.
    std::string block(16 << 10, ' ');
    bool moved = false;
    for (int i = 0; i < 1000 && !moved; ++i) {
        pollfd readable{link.far, POLLIN, 0};
        if (::poll(&readable, 1, 1000) == 1)
            REQUIRE(::recv(link.far, block.data(), block.size(), MSG_DONTWAIT) > 0);
        moved = progress.moved();
    }
    CHECK(moved);
}

TEST_CASE("progress takes a connection that is gone for one that stands still") {
    tcp_progress progress;
    CHECK_FALSE(progress.moved());
    progress.watch(-1);
    CHECK_FALSE(progress.moved());
}
