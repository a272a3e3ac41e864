// SPDX-License-Identifier: Apache-2.0
//
// Those who hold one key and pretend to be somebody else, and those who repeat what they have
// overheard.
#include "tests/cluster/recording_proxy.hpp"
#include "tests/cluster/security_harness.hpp"

#include <cstring>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

/// A DEALER that knows when its handshake is done, and says nothing by itself.
class quiet_dealer {
public:
    quiet_dealer(const std::string& endpoint, const security::client_keys& keys,
                 std::string_view routing_id) {
        security::connect_with_curve(socket_, keys);
        if (!routing_id.empty()) socket_.set(zmq::sockopt::routing_id, routing_id);
        for (auto* each : {&socket_, &monitor_}) {
            each->set(zmq::sockopt::linger, 0);
            each->set(zmq::sockopt::rcvtimeo, 30'000);
        }
        REQUIRE(zmq_socket_monitor(socket_.handle(), "inproc://events",
                                   ZMQ_EVENT_HANDSHAKE_SUCCEEDED) == 0);
        monitor_.connect("inproc://events");
        socket_.connect(endpoint);
        zmq::message_t event;
        REQUIRE(monitor_.recv(event));
        REQUIRE(monitor_.recv(event));
    }
    ~quiet_dealer() { zmq_socket_monitor(socket_.handle(), nullptr, 0); }

    template <class... Envelopes>
    void send(const Envelopes&... envelopes) {
        wire::frame_buffer frame;
        (append(frame, envelopes), ...);
        REQUIRE(socket_.send(zmq::buffer(frame.data, frame.size)));
    }
    /// The kinds of what comes until one of `last`, pings left out.
    std::vector<wire::kind> receive_until(wire::kind last) {
        std::vector<wire::kind> kinds;
        while (kinds.empty() || kinds.back() != last) {
            zmq::message_t frame;
            REQUIRE(socket_.recv(frame));
            wire::frame_reader reader({static_cast<const std::byte*>(frame.data()), frame.size()});
            while (reader.next() == wire::read_status::envelope)
                if (reader.kind() != wire::kind::ping) kinds.push_back(reader.kind());
        }
        return kinds;
    }

private:
    zmq::context_t context_{1};
    zmq::socket_t socket_{context_, zmq::socket_type::dealer};
    zmq::socket_t monitor_{context_, zmq::socket_type::pair};
};

}  // namespace

TEST_CASE("a client that says that it is a node is refused, counted and logged once") {
    const keyed_cluster keys;
    captured_log log;
    const auto node = start_node(keys.secure(member_settings("n1")));
    for (const auto& who : {keys.shop, keys.ops, keys.shop})
        CHECK_THAT(fate(at(*node), keys.as(who), wire::peer_role::node),
                   Contains("a node connects with the key that the nodes share"));
    raw_client ops(at(*node), keys.as(keys.ops));
    CHECK(ops.stats().at("impostors") == 3);
    CHECK(ops.stats().at("members") == 1);
    CHECK(log.lines_with("says that it is a node", "peer=shop") == 1);
    CHECK(log.lines_with("says that it is a node", "peer=ops") == 1);
}

TEST_CASE("what only nodes send is refused of others, counted and logged once") {
    const keyed_cluster keys;
    captured_log log;
    const auto node = start_node(keys.secure(member_settings("n1")));
    raw_client shop(at(*node), keys.as(keys.shop));
    raw_client ops(at(*node), keys.as(keys.ops));
    const wire::load_item load{0, 1, 1, 0, 0};
    wire::frame_buffer offer;
    wire::append(offer, "texts", std::vector{wire::key_item{as_bytes("ann")}});
    for (int i = 0; i < 2; ++i) {
        shop.send(wire::gossip{as_bytes("\xc1")});
        shop.send(std::span<const wire::load_item>(&load, 1));
        shop.send_frame(offer);
    }
    shop.barrier();
    REQUIRE(shop.about_connection.size() == 6);
    for (const auto& each : shop.about_connection) CHECK(each.code == errc::permission_denied);
    auto call = shop.make("bench/echo", 1);
    call.flags = wire::invoke_flags::forwarded;
    shop.send(call);
    CHECK(shop.wait(call.id, "echo").code == errc::permission_denied);
    CHECK(shop.wait(call.id, "echo").did_not_run);
    CHECK(ops.stats().at("impostors") == 7);
    CHECK(ops.stats().at("membership_messages_refused") == 0);
    CHECK(ops.function("bench/echo").at("invocations") == 0);
    for (const auto* what :
         {"gossip", "the load of a node", "an offer of keys", "a call that a node has sent on"})
        CHECK(log.lines_with(what, "peer=shop") == 1);
    CHECK(shop.call("bench/echo", 7).value<int>() == 7);
}

TEST_CASE("nobody gets the kept answer of another by naming the other's call") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") + allowed(keys.stranger, "client"));
    const auto node = start_node(keys.secure(node_settings()));
    const auto ask = [&](const security::key_pair& who, int what) {
        raw_client client(at(*node), keys.as(who));
        auto call = client.make("bench/echo", what);
        call.origin = 4711;
        call.origin_id = 1;
        client.send(call);
        return client.wait(call.id, "echo").value<int>();
    };
    CHECK(ask(keys.shop, 7) == 7);
    CHECK(ask(keys.stranger, 8) == 8);
    // The same caller does get it, over whichever connection.
    CHECK(ask(keys.shop, 9) == 7);
}

TEST_CASE("whoever takes the routing id of another does not get what the other may do") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") +
               allowed(keys.stranger, "client", "functions = [\"none/*\"]"));
    const auto control_node = start_node(member_settings("control"));
    raw_client control(at(*control_node));
    auto config = keys.secure(node_settings());
    config.lane_hold_max = 1h;
    const auto node = start_node(config);
    const std::string door = "routing id ";
    raw_client holder(at(*node), keys.as(keys.ops));
    auto victim = std::make_unique<raw_client>(at(*node), keys.as(keys.shop),
                                               raw_client::greeting::hello, "mine");
    CHECK(victim->call("bench/echo", 7).ok);

    // The lane is held while the one goes and the other comes, so that it cannot notice.
    const auto first = holder.invoke("faults/stay", door + "1");
    // ZeroMQ takes turns among connections: with two frames to read it comes past the one that
    // ends.
    const auto between = holder.invoke("bench/echo", 7);
    const auto second = holder.invoke("faults/stay_too", door + "2");
    control.await_event(door + "1 in");
    victim.reset();
    // Its handshake comes after the end of the victim's connection, on the same ZeroMQ thread.
    const quiet_dealer next_in_line(at(*node), keys.as(keys.ops), {});
    control.call("faults/happen", door + "1");
    control.await_event(door + "2 in");
    quiet_dealer thief(at(*node), keys.as(keys.stranger), "mine");
    wire::invoke call;
    call.id = 1;
    call.function = "bench/echo";
    const auto payload = encode(7);
    call.payload = payload.view();
    thief.send(call);
    control.call("faults/happen", door + "2");

    CHECK(thief.receive_until(wire::kind::goaway) == std::vector<wire::kind>{wire::kind::goaway});
    CHECK(holder.wait(first, "the first").ok);
    CHECK(holder.wait(between, "the one between").ok);
    CHECK(holder.wait(second, "the second").ok);
    CHECK(holder.stats().at("impostors") == 1);
    // It may say who it is, and is that.
    thief.send(wire::hello{.name = "thief"}, call);
    CHECK(thief.receive_until(wire::kind::failure) ==
          std::vector<wire::kind>{wire::kind::welcome, wire::kind::failure});
}

TEST_CASE("a handshake that was recorded and is replayed leads nowhere") {
    const keyed_cluster keys;
    const auto node = start_node(keys.secure(node_settings()));
    raw_client ops(at(*node), keys.as(keys.ops));
    std::string recorded;
    {
        recording_proxy proxy(at(*node));
        raw_client shop(proxy.endpoint(), keys.as(keys.shop));
        CHECK(shop.call("bench/echo", 7).ok);
        recorded = proxy.end();
    }
    REQUIRE(recorded.size() > 500);
    const std::uint64_t failed = ops.stats().at("handshakes_failed");
    const std::uint64_t connected = ops.stats().at("peers_connected");
    const tcp_socket replay;
    REQUIRE(replay.connect(at(*node)));
    REQUIRE(replay.send_all(recorded));
    std::string received;
    char buffer[4096];
    for (;;) {
        pollfd item{replay.fd(), POLLIN, 0};
        REQUIRE(::poll(&item, 1, 30'000) == 1);
        const auto got = ::recv(replay.fd(), buffer, sizeof buffer, 0);
        if (got <= 0) break;
        received.append(buffer, static_cast<std::size_t>(got));
    }
    // ZMTP's greeting and CURVE's WELCOME, which the one who replays cannot read; no READY.
    constexpr std::size_t greeting_bytes = 64;
    constexpr std::size_t welcome_bytes = 2 + 168;
    CHECK(received.size() <= greeting_bytes + welcome_bytes);
    CHECK(received.find("READY") == std::string::npos);
    ops.wait_for_stat("handshakes_failed", failed + 1);
    CHECK(ops.stats().at("peers_connected") == connected);
    CHECK(ops.function("bench/echo").at("invocations") == 1);
}
