// SPDX-License-Identifier: Apache-2.0
//
// What a node does with bytes that are not what WIRE.md says, and around the handshake.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"

using namespace dunlin;
using namespace dunlin::testing;

namespace {

constexpr auto silent = raw_client::greeting::none;

/// The connection lives: a call on it is answered.
void check_alive(raw_client& client) { CHECK(client.call("bench/echo", 1).text() == "ok"); }

}  // namespace

TEST_CASE("an oversized frame is dropped whole and answered") {
    auto config = node_settings();
    config.payload_bytes_max = 50'000;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    client.send_bytes(std::string(wire::frame_bytes_max(50'000) + 1, '\x91'));
    client.wait_until([&] { return !client.about_connection.empty(); }, "the failure with id 0");
    CHECK(client.about_connection.front().text() ==
          "invalid_argument: a frame of 1098577 bytes exceeds the limit of 1098576; it was "
          "dropped whole");
    CHECK(client.stats().at("frames_oversized") == 1);
    check_alive(client);
}

TEST_CASE("what no frame could ever be closes its connection, and no other") {
    auto config = node_settings();
    config.payload_bytes_max = 20'000;
    const auto node = start_node(config);
    raw_client beside(node->endpoints().front());
    raw_client client(node->endpoints().front());
    beside.wait_for_stat("peers", 2);
    client.send_bytes(std::string(wire::transport_bytes_max(20'000) + 1, '\x91'));
    beside.wait_for_stat("peers", [](std::uint64_t peers) { return peers == 1; });
    check_alive(beside);
}

TEST_CASE("whoever does not say hello first is told so, and may say it then") {
    const auto node = start_node();
    const std::string newer_kind = "\x92\x2a\xc0";
    wire::frame_buffer hello_second;
    hello_second.append(newer_kind.data(), newer_kind.size());
    append(hello_second, wire::hello{});
    const std::string not_first(reinterpret_cast<const char*>(hello_second.data),
                                hello_second.size);
    raw_client client(node->endpoints().front(), silent);
    client.send(client.make("bench/echo", 1), client.make("bench/echo", 2));
    client.send(wire::ping{1});
    client.send_bytes("garbage");
    client.send_bytes(not_first);
    client.send_bytes("part", zmq::send_flags::sndmore);
    client.send_bytes("part");
    client.wait_until([&] { return client.goaways.size() == 5; }, "five goaways");
    for (const auto& each : client.goaways)
        CHECK(each.text() == "unauthenticated: say hello first");
    CHECK(client.welcomes.empty());
    client.send(wire::hello{});
    client.wait_until([&] { return !client.welcomes.empty(); }, "the welcome");
    check_alive(client);
    CHECK(client.answers.size() == 1);
    CHECK(client.stats().at("frames_before_hello") == 5);
}

TEST_CASE("an oversized frame before the hello gets the same answer") {
    auto config = node_settings();
    config.payload_bytes_max = 1000;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front(), silent);
    client.send_bytes(std::string(wire::frame_bytes_max(1000) + 1, '\x91'));
    client.wait_until([&] { return !client.goaways.empty(); }, "the goaway");
    CHECK(client.goaways.front().text() == "unauthenticated: say hello first");
}
