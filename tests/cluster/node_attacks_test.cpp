// SPDX-License-Identifier: Apache-2.0
//
// What peers do that speak ZMTP by hand, and what others notice of it: nothing.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"
#include "tests/support/zmtp_peer.hpp"
#include "wire/envelope.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

std::string auto_routing_id(std::uint32_t number) {
    std::string id(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8) id += static_cast<char>(number >> shift);
    return id;
}

template <class... Envelopes>
std::string frame_with(const Envelopes&... envelopes) {
    wire::frame_buffer frame;
    (append(frame, envelopes), ...);
    return {reinterpret_cast<const char*>(frame.data), frame.size};
}

wire::hello some_hello() { return {.name = "by-hand"}; }

wire::invoke echo_of(bytes_view payload, std::uint64_t id) {
    wire::invoke call;
    call.id = id;
    call.function = "bench/echo";
    call.remaining_us = 60'000'000;
    call.payload = payload;
    return call;
}

/// Limits that a test can reach.
runtime::node_config tight_settings() {
    auto config = node_settings();
    config.payload_bytes_max = std::size_t{1} << 20;
    config.queue_bytes_max = std::size_t{16} << 20;
    config.replies_bytes_max = std::size_t{16} << 20;
    return config;
}

}  // namespace

TEST_CASE("a peer that floods a busy lane and cuts its connection ends only that") {
    auto config = node_settings();
    config.lane_hold_max = 30s;  // the lane reads nothing while the function runs
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    for (int round = 0; round < 3; ++round) {
        zmtp_peer peer(node->endpoints().front());
        const auto held = client.invoke("bench/spin", time_us{300'000});
        // ZeroMQ's thread reads these while the lane does not. Were its queue bounded by a count of
        // frames, it would stop in the middle, with pings in its hands as the connection ends.
        std::string flood;
        for (int frames = 0; frames < 4000; ++frames)
            flood += zmtp_peer::frame_of("x") + zmtp_peer::ping_command();
        CHECK(peer.send_raw(flood));
        peer.reset();
        CHECK(client.wait(held, "the function that held the lane").ok);
        client.barrier();
    }
    CHECK(raw_client(node->endpoints().front()).call("bench/echo", 1).ok);
}

TEST_CASE("a peer under a routing id that only ZeroMQ makes up is ended, others are not") {
    const auto node = start_node();
    raw_client other(node->endpoints().front());
    zmtp_peer malformed(node->endpoints().front(), std::string_view("\0no number", 10));
    CHECK(malformed.send_frame(frame_with(some_hello())));
    CHECK(malformed.ended());
    // Nobody knows the count; but of two ids that are half of all apart, one is still to come.
    zmtp_peer one(node->endpoints().front(), auto_routing_id(1));
    zmtp_peer opposite(node->endpoints().front(), auto_routing_id(1 + (1u << 31)));
    one.send_frame(frame_with(some_hello()));
    opposite.send_frame(frame_with(some_hello()));
    other.wait_for_stat("routing_ids_claimed", 2);
    zmtp_peer honest(node->endpoints().front(), "my-own");
    CHECK(honest.send_frame(frame_with(some_hello(), wire::ping{5})));
    CHECK(honest.receive());
    CHECK(other.call("bench/echo", 1).ok);
}

TEST_CASE("a connection that never says hello ends, one that said bye as well") {
    const auto node = start_node();
    raw_client other(node->endpoints().front());
    zmtp_peer silent(node->endpoints().front());
    zmtp_peer left(node->endpoints().front());
    CHECK(left.send_frame(frame_with(some_hello())));
    CHECK(left.receive());
    CHECK(left.send_frame(frame_with(wire::bye{})));
    CHECK(silent.ended());
    CHECK(left.ended());
    CHECK(other.stats().at("connections_speechless") == 2);
    CHECK(other.call("bench/echo", 1).ok);  // silent all the time, but known
}

TEST_CASE("a message of parts without an end costs its connection, not the node's memory") {
    const auto node = start_node(tight_settings());
    raw_client other(node->endpoints().front());
    zmtp_peer endless(node->endpoints().front());
    const auto part = zmtp_peer::frame_of(std::string(256 * 1024, 'x'), zmtp_peer::flag_more);
    constexpr std::size_t parts_max = 4096;  // a gigabyte
    std::size_t parts = 0;
    while (parts < parts_max && endless.send_raw(part)) ++parts;
    CHECK(parts < parts_max);
    other.wait_for_stat("connections_flooding", 1);
    other.wait_for_stat("frame_bytes_unread",
                        [](std::uint64_t bytes) { return bytes < 1024 * 1024; });
    CHECK(other.call("bench/echo", 1).ok);
}

TEST_CASE(
    "replies that nobody reads cost those that hold most of them, together no more than is set") {
    const auto settings = tight_settings();
    const auto node = start_node(settings);
    raw_client other(node->endpoints().front());
    const auto payload = encode(std::string(1000 * 1000, 'x'));
    std::vector<zmtp_peer> deaf;
    for (int peers = 0; peers < 12; ++peers) {
        auto& each = deaf.emplace_back(node->endpoints().front());
        CHECK(each.send_frame(frame_with(some_hello())));
        for (std::uint64_t id = 1; id <= 10; ++id)
            each.send_frame(frame_with(echo_of(payload.view(), id)));
        CHECK(other.call("bench/echo", 1).ok);
    }
    other.wait_for_stat("peers_slow_dropped", 1);
    other.wait_for_stat("reply_bytes_held",
                        [&](std::uint64_t bytes) { return bytes <= settings.replies_bytes_max; });
    CHECK(other.call("bench/echo", 1).ok);
}

TEST_CASE(
    "a peer that leaves and greets again on one connection has no new allowance for replies") {
    const auto settings = tight_settings();
    const auto node = start_node(settings);
    raw_client other(node->endpoints().front());
    const auto payload = encode(std::string(1000 * 1000, 'x'));
    zmtp_peer deaf(node->endpoints().front());
    // A hundred megabytes of replies, a tenth of them at most kept.
    std::uint64_t most = 0;
    for (std::uint64_t round = 1; round <= 100; ++round) {
        if (!deaf.send_frame(frame_with(some_hello(), echo_of(payload.view(), round)))) break;
        if (!deaf.send_frame(frame_with(wire::bye{}))) break;
        most = std::max<std::uint64_t>(most, other.stats().at("reply_bytes_held"));
    }
    CHECK(most <= settings.replies_bytes_max);
    CHECK(most > 0);
    CHECK(other.call("bench/echo", 1).ok);
}

TEST_CASE("two thousand connections that end at once are all noticed") {
    auto config = node_settings();
    config.lanes = 1;
    const auto node = start_node(config);
    raw_client other(node->endpoints().front());
    constexpr std::size_t count = 2000;
    const auto hello = frame_with(some_hello());
    {
        std::vector<zmtp_peer> crowd;
        crowd.reserve(count);
        for (std::size_t peers = 0; peers < count; ++peers) {
            crowd.emplace_back(node->endpoints().front());
            REQUIRE(crowd.back().send_frame(hello));
        }
        other.wait_for_stat("peers", count + 1);
    }
    other.wait_for_stat("peers", [](std::uint64_t left) { return left == 1; });
    other.wait_for_stat("connections", [](std::uint64_t left) { return left == 1; });
}

TEST_CASE("thousands of hellos in one frame are welcomed once") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    std::string hellos;
    for (int count = 0; count < 20'000; ++count) hellos += frame_with(some_hello());
    client.send_bytes(hellos);
    client.barrier();
    CHECK(client.welcomes.size() == 2);  // its own, and one for all of these
    CHECK(client.call("bench/echo", 1).ok);
}
