// SPDX-License-Identifier: Apache-2.0
//
// The bytes printed in WIRE.md are the bytes on the wire. The test reads the page itself, so
// neither can change without the other.
#include "cluster/served_set.hpp"
#include "test_paths.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/wire_views.hpp"
#include "wire/envelope.hpp"

#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace dunlin;
using wire::frame_buffer;
using wire::read_status;

// The blocks fenced as ```golden NAME, as bytes.
std::map<std::string, std::string> golden_blocks() {
    const std::string path = DUNLIN_SOURCE_DIR "/sdk/WIRE.md";
    std::ifstream page(path);
    INFO(path);
    REQUIRE(page);
    const std::string fence = "```golden ";
    std::map<std::string, std::string> blocks;
    std::string line;
    while (std::getline(page, line)) {
        if (line.rfind(fence, 0) != 0) continue;
        const auto name = line.substr(fence.size());
        REQUIRE(blocks.count(name) == 0);
        auto& bytes = blocks[name];
        while (std::getline(page, line) && line != "```") {
            std::istringstream numbers(line);
            for (std::string two; numbers >> two;) {
                REQUIRE(two.size() == 2);
                bytes.push_back(static_cast<char>(std::stoi(two, nullptr, 16)));
            }
        }
        REQUIRE(line == "```");
    }
    return blocks;
}

constexpr std::string_view hi = "\xa2hi";

wire::invoke sample_invoke() {
    wire::invoke call;
    call.id = 1;
    call.function = "bench/echo";
    call.remaining_us = 2'000'000;
    call.payload = as_bytes(hi);
    return call;
}

void write_welcome(frame_buffer& to) {
    wire::welcome welcome;
    welcome.node = "n1";
    welcome.in_flight_max = 1024;
    welcome.endpoints[0] = "tcp://127.0.0.1:7440";
    welcome.endpoints[1] = "tcp://127.0.0.1:7441";
    welcome.endpoint_count = 2;
    append(to, welcome);
}

void write_invoke_in_place(frame_buffer& to) {
    const auto mark = wire::begin_invoke(to, sample_invoke());
    to.append(as_bytes(hi));
    wire::end_payload(to, mark);
}

void write_invoke_keyed(frame_buffer& to) {
    wire::invoke call;
    call.id = 70'000;
    call.function = "text/visits";
    call.attempt = 1;
    call.retries_left = 2;
    call.key = as_bytes("k1");
    call.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    call.payload = as_bytes("\x07");
    append(to, call);
}

void write_hello_of_node(frame_buffer& to) {
    wire::hello hello;
    hello.features = wire::features::cluster;
    hello.role = wire::peer_role::node;
    hello.name = "n2";
    hello.cluster = "c1";
    hello.instance = 258;
    append(to, hello);
}

void write_welcome_of_cluster(frame_buffer& to) {
    wire::welcome welcome;
    welcome.features = wire::features::cluster;
    welcome.node = "n1";
    welcome.in_flight_max = 1024;
    welcome.endpoints[0] = "tcp://127.0.0.1:7440";
    welcome.endpoint_count = 1;
    welcome.cluster = "c1";
    welcome.instance = 257;
    append(to, welcome);
}

void write_invoke_forwarded(frame_buffer& to) {
    auto call = sample_invoke();
    call.flags = wire::invoke_flags::forwarded;
    call.origin = 300;
    call.origin_id = 70'000;
    append(to, call);
}

void write_invoke_chosen(frame_buffer& to) {
    auto call = sample_invoke();
    call.flags = wire::invoke_flags::chosen;
    call.origin = 300;
    call.origin_id = 70'000;
    append(to, call);
}

void write_invoke_after_a_loss(frame_buffer& to) {
    auto call = sample_invoke();
    call.attempt = 1;
    call.retries_left = 1;
    call.origin = 300;
    call.origin_id = 70'000;
    call.losses = 1;
    call.lost = 257;
    append(to, call);
}

void write_members_that_tell(frame_buffer& to) {
    const std::vector<std::string> functions{"bench/echo", "text/count_words"};
    const auto serves = cluster::served_set::of(functions);
    std::vector<wire::member_item> members(1);
    members[0].instance = 257;
    members[0].name = "n1";
    members[0].tells_serves = true;
    members[0].serves = serves.view();
    append(to, wire::list_part{5, 0, 1}, members);
}

void write_members(frame_buffer& to) {
    std::vector<wire::member_item> members(2);
    members[0].instance = 257;
    members[0].name = "n1";
    members[0].endpoints[0] = "tcp://127.0.0.1:7440";
    members[0].endpoint_count = 1;
    members[1].instance = 258;
    members[1].name = "n2";
    members[1].draining = true;
    append(to, wire::list_part{4, 0, 2}, members);
}

const std::map<std::string, std::function<void(frame_buffer&)>>& writers() {
    static const std::map<std::string, std::function<void(frame_buffer&)>> all{
        {"hello", [](frame_buffer& to) { append(to, wire::hello{.name = "py"}); }},
        {"welcome", write_welcome},
        {"invoke", [](frame_buffer& to) { append(to, sample_invoke()); }},
        {"invoke-in-place", write_invoke_in_place},
        {"invoke-keyed", write_invoke_keyed},
        {"reply",
         [](frame_buffer& to) {
             append(to, wire::reply{1, as_bytes(hi)});
         }},
        {"failure",
         [](frame_buffer& to) {
             append(to, wire::failure{1, 8, "queue full", 1500});
         }},
        {"cancel", [](frame_buffer& to) { append(to, wire::cancel{70'000}); }},
        {"ping", [](frame_buffer& to) { append(to, wire::ping{7}); }},
        {"pong", [](frame_buffer& to) { append(to, wire::pong{7}); }},
        {"sent", [](frame_buffer& to) { append(to, wire::sent{5'000'000'000}); }},
        {"cold", [](frame_buffer& to) { append(to, wire::cold{70'000}); }},
        {"goaway",
         [](frame_buffer& to) {
             append(to, wire::goaway{9, "stopping"});
         }},
        {"bye", [](frame_buffer& to) { append(to, wire::bye{}); }},
        {"hello-of-node", write_hello_of_node},
        {"welcome-of-cluster", write_welcome_of_cluster},
        {"invoke-forwarded", write_invoke_forwarded},
        {"invoke-chosen", write_invoke_chosen},
        {"failure-not-run",
         [](frame_buffer& to) {
             append(to, wire::failure{1, 9, "stops", 0, true});
         }},
        {"gossip", [](frame_buffer& to) { append(to, wire::gossip{as_bytes("\x91\x07")}); }},
        {"load",
         [](frame_buffer& to) {
             append(to, std::vector{wire::load_item{0, 1500, 200, 0, 990},
                                    wire::load_item{2, 0, 200, 3, 100}});
         }},
        {"load-of-waiting",
         [](frame_buffer& to) {
             append(to, std::vector{wire::load_item{1, 0, 200, 900, 10, 100, 32}});
         }},
        {"catalog",
         [](frame_buffer& to) {
             append(to, wire::list_part{0, 0, 1},
                    std::vector{wire::catalog_item{"bench/echo", "1.0", 1}});
         }},
        {"catalog-keyed",
         [](frame_buffer& to) {
             append(to, wire::list_part{0, 0, 2},
                    std::vector{wire::catalog_item{"site/visit", "1.0", 0, "visitor", "visitors"},
                                wire::catalog_item{"bench/echo", "1.0", 1}});
         }},
        {"members", write_members},
        {"offer",
         [](frame_buffer& to) {
             append(to, "visitors",
                    std::vector{wire::key_item{as_bytes("ann")}, wire::key_item{as_bytes("bob")}});
         }},
        {"members-serving", write_members_that_tell},
        {"invoke-after-loss", write_invoke_after_a_loss},
        {"failure-lost-twice",
         [](frame_buffer& to) {
             append(to, wire::failure{1, 9, "lost", 0, false, 2});
         }},
        {"failure-of-whole-node",
         [](frame_buffer& to) {
             append(to, wire::failure{1, 8, "full", 1500, true, 0, true});
         }},
    };
    return all;
}

}  // namespace

TEST_CASE("the encoders write the bytes that WIRE.md prints") {
    auto blocks = golden_blocks();
    for (const auto& [name, write] : writers()) {
        INFO(name);
        REQUIRE(blocks.count(name) == 1);
        frame_buffer written;
        write(written);
        CHECK((as_text(written.view()) == blocks[name]));
        blocks.erase(name);
    }
    // What is left is for readers only.
    CHECK(blocks.size() == 2);
}

TEST_CASE("the reader accepts every block that WIRE.md prints") {
    for (const auto& [name, bytes] : golden_blocks()) {
        INFO(name);
        wire::frame_reader reader(as_bytes(bytes));
        CHECK(reader.next() ==
              (name == "unknown-kind" ? read_status::skipped : read_status::envelope));
        CHECK(test::views_lie_inside(as_bytes(bytes), reader));
        if (name == "failure-extended") {
            CHECK(reader.failure().code == 3);
            CHECK(reader.failure().detail == "gone");
        }
        // Written again it is the same, but for the form of the payload's length.
        if (writers().count(name) == 1 && name != "invoke-in-place") {
            frame_buffer again;
            test::append_again(again, reader);
            CHECK((as_text(again.view()) == bytes));
        }
        CHECK(reader.next() == read_status::end);
    }
}
