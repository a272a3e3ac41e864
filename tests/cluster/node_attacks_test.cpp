// SPDX-License-Identifier: Apache-2.0
//
// What peers do that speak ZMTP by hand, and what others notice of it: nothing.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"
#include "tests/support/zmtp_peer.hpp"

#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

/// What `bench/spin` takes.
struct spin_time {
    std::uint64_t us = 0;
    DUNLIN_FIELDS(us)
};

std::string auto_routing_id(std::uint32_t number) {
    std::string id(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8) id += static_cast<char>(number >> shift);
    return id;
}

}  // namespace

TEST_CASE(
    "a peer that floods a busy lane, pings in ZeroMQ's way and cuts its connection ends only "
    "that") {
    auto config = node_settings();
    config.lane_hold_max = 30s;  // the lane reads nothing while the function runs
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    for (int round = 0; round < 3; ++round) {
        zmtp_peer peer(node->endpoints().front());
        const auto held = client.invoke("bench/spin", spin_time{300'000});
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

TEST_CASE("the ids that ZeroMQ makes up for peers cannot be told beforehand") {
    const auto node = start_node();
    // Where libzmq begins in a process that has not seeded `rand()`.
    constexpr std::uint32_t first_unseeded = 0x6b8b4567;
    std::vector<zmtp_peer> claims;
    for (std::uint32_t number = 0; number < 64; ++number)
        claims.emplace_back(node->endpoints().front(), auto_routing_id(first_unseeded + number));
    for (int clients = 0; clients < 64; ++clients)
        CHECK(raw_client(node->endpoints().front()).call("bench/echo", 1).ok);
}
