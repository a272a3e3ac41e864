// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/router_socket.hpp"

#include "tests/unit/runtime/lane/outlet_parts.hpp"

#include <poll.h>
#include <zmq.h>

#include <vector>

using namespace dunlin;
using runtime::router_socket;

namespace {

/// Sockets of one context reach each other without a thread between them.
struct inside {
    router_socket router{{.frame_bytes_accepted = 1 << 20}};
    zmq::socket_t peer;

    inside() {
        REQUIRE(router.bind("inproc://router"));
        peer = runtime::dial(router, "inproc://router", "peer");
    }
    void send(std::string_view text, bool more = false) {
        peer.send(zmq::buffer(text), more ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
};

router_socket::sent send(router_socket& from, std::string_view to, std::string_view text) {
    zmq::message_t frame(text.data(), text.size());
    return from.try_send(to, frame);
}

/// Events come from ZeroMQ's thread.
std::vector<int> await_event(router_socket& router) {
    std::vector<int> told;
    while (told.empty()) {
        router.read_events([&](std::uint16_t what, std::int32_t) { told.push_back(what); });
        pollfd item{router.monitor_fd(), POLLIN, 0};
        constexpr int wait_ms = 10'000;
        if (told.empty() && ::poll(&item, 1, wait_ms) != 1) break;
    }
    return told;
}

}  // namespace

TEST_CASE("a message arrives with who sent it, how long it is and whether it was one part") {
    inside at;
    router_socket::arrival first;
    CHECK_FALSE(at.router.receive(first));
    at.send("hello");
    at.send("one, ", true);
    at.send("two");
    REQUIRE(at.router.receive(first));
    CHECK(first.routing_id.to_string() == "peer");
    CHECK(first.frame.to_string() == "hello");
    CHECK(first.bytes == 5);
    CHECK(first.single);
    router_socket::arrival second;
    REQUIRE(at.router.receive(second));
    CHECK(second.frame.to_string() == "two");
    CHECK(second.bytes == 8);
    CHECK_FALSE(second.single);
    router_socket::arrival none;
    CHECK_FALSE(at.router.receive(none));
}

TEST_CASE("what is sent is taken, unless the peer's queue is full or nobody has its id") {
    inside at;
    CHECK(send(at.router, "nobody", "?") == router_socket::sent::unreachable);
    at.send("hello");
    router_socket::arrival hello;
    REQUIRE(at.router.receive(hello));
    REQUIRE(send(at.router, "peer", "welcome") == router_socket::sent::taken);
    zmq::message_t got;
    REQUIRE(at.peer.recv(got));
    CHECK(got.to_string() == "welcome");
    int taken = 0;
    zmq::message_t kept;
    do {
        kept = zmq::message_t(std::string_view("kept"));
        ++taken;
    } while (at.router.try_send("peer", kept) == router_socket::sent::taken);
    CHECK(taken > 1000);
    CHECK(kept.to_string() == "kept");  // as it was: it can be tried again
}

TEST_CASE("a look that found nothing leaves no news behind, and sending may") {
    inside at;
    router_socket::arrival hello;
    CHECK_FALSE(at.router.has_news());
    at.send("hello");
    // The socket has looked already: from here on its descriptor tells.
    CHECK_FALSE(at.router.has_news());
    REQUIRE(at.router.receive(hello));
    at.send("again");
    CHECK(at.router.has_news());
    REQUIRE(at.router.receive(hello));
    CHECK_FALSE(at.router.receive(hello));
    REQUIRE(send(at.router, "peer", "welcome") == router_socket::sent::taken);
    at.send("and again");
    CHECK(at.router.has_news());
}

TEST_CASE("the monitor tells of connections and of their ends") {
    router_socket router{{.frame_bytes_accepted = 1 << 20}};
    const auto endpoint = router.bind("tcp://localhost:0");
    REQUIRE(endpoint);
    {
        zmq::socket_t peer(router.context(), zmq::socket_type::dealer);
        peer.set(zmq::sockopt::linger, 0);
        peer.connect(*endpoint);
        CHECK(await_event(router) == std::vector{ZMQ_EVENT_ACCEPTED});
    }
    CHECK(await_event(router) == std::vector{ZMQ_EVENT_DISCONNECTED});
    router.close();
}

TEST_CASE("an endpoint that cannot be listened on is told with what to do about it") {
    router_socket router{{}};
    const auto taken = router.bind("tcp://127.0.0.1:0");
    REQUIRE(taken);
    router_socket other{{}};
    CHECK_THAT(other.bind(*taken).error().detail,
               Catch::Contains("the port is in use; stop the other program"));
    CHECK(other.bind("tcp://192.0.2.1:0").error().code == errc::invalid_argument);
    CHECK_THAT(other.bind("nonsense").error().detail,
               Catch::Contains("looks like tcp://127.0.0.1:7440"));
}
