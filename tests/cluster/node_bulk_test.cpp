// SPDX-License-Identifier: Apache-2.0
//
// Peers that send very much at once, and those beside them.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

constexpr std::size_t many = 100'000;

/// Larger than what is read in one go, in bytes and in envelopes.
struct bulk_frame {
    wire::frame_buffer buffer;
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    bulk_frame(raw_client& from, std::string_view function, std::size_t calls) {
        const auto payload = encode(1);
        for (std::size_t i = 0; i < calls; ++i) {
            const auto call = from.make_encoded(function, payload.view());
            append(buffer, call);
            if (i == 0) first = call.id;
            last = call.id;
        }
    }
};

runtime::node_config one_lane() {
    auto config = node_settings();
    config.lanes = 1;
    return config;
}

}  // namespace

TEST_CASE("a frame of very many calls does not hold up the calls of others") {
    const auto node = start_node(one_lane());
    raw_client bulk(node->endpoints().front());
    raw_client other(node->endpoints().front());
    const bulk_frame frame(bulk, "no/such", many);
    // Asked while the frame is read. That may be over before a busy machine has got so far, so it
    // is tried again; a lane that reads a frame whole never answers between two of its calls.
    bool between = false;
    for (std::uint64_t round = 0; round < 20 && !between; ++round) {
        const auto before = other.stats().at("invocations_received").get<std::uint64_t>();
        bulk.send_frame(frame.buffer);
        std::uint64_t read = 0;
        while (read == 0) {
            const auto now = other.stats().at("invocations_received").get<std::uint64_t>();
            // Its own question is one of them.
            read = now - before > 1'000 ? now - before : 0;
        }
        between = read < many;
        bulk.barrier();
    }
    CHECK(between);
}

TEST_CASE("a peer's frames are handled in their order, however much is in each") {
    const auto node = start_node(one_lane());
    raw_client client(node->endpoints().front());
    const bulk_frame first(client, "no/such", many);
    const bulk_frame second(client, "no/such", many);
    client.send_frame(first.buffer);
    client.send_frame(second.buffer);
    client.barrier();  // a small frame behind them
    CHECK(client.answers.size() == 2 * many);
    CHECK_FALSE(client.is_open(first.first));
    CHECK_FALSE(client.is_open(second.last));
    CHECK(client.call("bench/echo", 1).text() == "ok");
}

TEST_CASE("who says bye behind very much and greets again is welcome") {
    const auto node = start_node(one_lane());
    raw_client client(node->endpoints().front());
    const bulk_frame frame(client, "no/such", many);
    client.send_frame(frame.buffer);
    client.send(wire::bye{});
    client.send(wire::hello{.name = "again"});
    client.wait_until([&] { return client.welcomes.size() == 2; }, "the second welcome");
    CHECK(client.call("bench/echo", 1).text() == "ok");
}

TEST_CASE("an oversized frame behind very much is answered, too") {
    auto config = one_lane();
    config.payload_bytes_max = 50'000;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    const bulk_frame frame(client, "no/such", 20'000);
    client.send_frame(frame.buffer);
    client.send_bytes(std::string(wire::frame_bytes_max(50'000) + 1, '\x91'));
    client.wait_until([&] { return !client.about_connection.empty(); }, "the failure with id 0");
    CHECK(client.answers.size() == 20'000);
    CHECK(client.call("bench/echo", 1).text() == "ok");
}
