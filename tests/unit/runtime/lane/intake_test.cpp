// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/intake.hpp"

#include "actors/key_offers.hpp"
#include "tests/support/state_harness.hpp"
#include "tests/unit/runtime/lane/lane_parts.hpp"
#include "tests/unit/runtime/lane/told_membership.hpp"

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

wire::hello hello_of(std::string_view name) {
    wire::hello made;
    made.version_min = made.version_max = wire::protocol_version;
    made.name = name;
    return made;
}

struct reading : lane_parts {
    std::size_t ran = 0;
    actors::pool& echo = serve("a/echo",
                               [this](testing::call_view call) {
                                   ++ran;
                                   return call.reply(call.payload);
                               },
                               {.activations = 1, .queue_depth_max = 4096});
    /// A frame with so many pings, numbered from 1.
    static wire::frame_buffer pings(std::uint64_t count) {
        wire::frame_buffer frame;
        for (std::uint64_t token = 1; token <= count; ++token)
            wire::append(frame, wire::ping{token});
        return frame;
    }
};

}  // namespace

TEST_CASE("a frame may begin with a hello, and what stands behind it is its peer's") {
    reading at;
    at.dial("shop");
    at.send("shop", hello_of("shop"), wire::ping{3}, call_to("a/echo", 1, "one"));
    CHECK(at.out.peers().find("shop") != nullptr);
    at.run();
    CHECK(at.told("shop") == lines{"welcome n1", "pong 3", "reply 1 one"});
    // Many hellos in a frame have one welcome.
    at.send("shop", hello_of("shop"), hello_of("shop"), wire::ping{4});
    CHECK(at.told("shop") == lines{"welcome n1", "pong 4"});
    CHECK_FALSE(at.reads.receive());
}

TEST_CASE("a stranger's frame that begins with anything else is refused whole") {
    reading at;
    at.dial("stranger");
    at.send("stranger", call_to("a/echo", 1), hello_of("shop"));
    CHECK(at.told("stranger") == lines{"goaway say hello first"});
    at.send_bytes("stranger", as_bytes("\xc1"));
    CHECK(at.told("stranger") == lines{"goaway say hello first"});
    CHECK(at.counters.frames_malformed.get() == 1);
    CHECK(at.counters.frames_before_hello.get() == 2);
    CHECK(at.out.peers().size() == 0);
    CHECK(at.ran == 0);
}

TEST_CASE("what stands before something malformed counts, what stands behind it does not") {
    reading at;
    at.connect("shop");
    wire::frame_buffer frame;
    wire::append(frame, call_to("a/echo", 1, "one"));
    const auto good = std::string(reinterpret_cast<const char*>(frame.view().data()), frame.size);
    wire::frame_buffer behind;
    wire::append(behind, wire::ping{9});
    const auto bytes =
        good + "\xc1" +
        std::string(reinterpret_cast<const char*>(behind.view().data()), behind.size);
    at.send_bytes("shop", as_bytes(bytes));
    at.run();
    const auto told = at.told("shop");
    REQUIRE(told.size() == 2);
    CHECK_THAT(told[0], Catch::StartsWith("failure 0 "));
    CHECK(told[1] == "reply 1 one");
    CHECK(at.counters.frames_malformed.get() == 1);
}

TEST_CASE("a message of several parts, and a frame that is too large, are answered and dropped") {
    reading at;
    auto& shop = at.connect("shop");
    auto& socket = at.end_of("shop");
    socket.send(zmq::str_buffer("a"), zmq::send_flags::sndmore);
    socket.send(zmq::str_buffer("b"), zmq::send_flags::none);
    REQUIRE(at.reads.receive());
    CHECK(at.told("shop") == lines{"failure 0 a frame is one message part; this had several"});
    const std::string large(test_frame_bytes_max + 1, 'x');
    at.send_bytes("shop", as_bytes(large));
    REQUIRE(shop.bulk);  // large frames wait for their turn
    at.reads.read_bulk();
    CHECK(at.told("shop") ==
          lines{"failure 0 a frame of 262145 bytes exceeds the limit of 262144; it was dropped "
                "whole"});
    CHECK(at.counters.frames_oversized.get() == 1);
    CHECK_FALSE(shop.bulk);
    CHECK(at.budget.frames_held() == 0);
}

TEST_CASE("a frame of very many envelopes is read in slices, and others come in between") {
    reading at;
    auto& many = at.connect("many");
    at.connect("other");
    const auto frame = reading::pings(envelopes_per_slice + 1);
    at.send_bytes("many", frame.view());
    CHECK(at.keeper.has_bulk());
    CHECK(at.told("many").size() == envelopes_per_slice);
    at.send("other", wire::ping{7});
    CHECK(at.told("other") == lines{"pong 7"});
    // What the same peer sends later waits behind it.
    at.send("many", wire::ping{7});
    CHECK(at.told("many").empty());
    at.reads.read_bulk();
    CHECK(at.told("many") == lines{"pong 1025"});
    REQUIRE(at.keeper.has_bulk());
    at.reads.read_bulk();
    CHECK(at.told("many") == lines{"pong 7"});
    CHECK_FALSE(at.keeper.has_bulk());
    CHECK_FALSE(many.bulk);
    CHECK(at.budget.frames_held() == 0);
}

TEST_CASE("a frame is held while one of its calls has no answer, and not longer") {
    reading at;
    at.connect("shop");
    at.send("shop", call_to("a/echo", 1, "one"));
    CHECK(at.budget.frames_held() != 0);
    at.run();
    CHECK(at.told("shop") == lines{"reply 1 one"});
    CHECK(at.budget.frames_held() == 0);
}

TEST_CASE("a cancel is about calls in its own frame, too") {
    reading at;
    at.connect("shop");
    at.send("shop", call_to("a/echo", 1, "one"), wire::cancel{1}, call_to("a/echo", 2, "two"));
    at.run();
    CHECK(at.told("shop") ==
          lines{"failure 1 the caller withdrew the call before it began", "reply 2 two"});
    CHECK(at.ran == 1);
}

TEST_CASE("a peer that says bye is gone with its calls, and may come again behind it") {
    reading at;
    at.connect("shop");
    at.send("shop", call_to("a/echo", 1, "one"), wire::bye{}, wire::ping{9});
    CHECK(at.out.peers().size() == 0);
    at.run();
    CHECK(at.told("shop").empty());
    CHECK(at.calls.ledger().open_count() == 0);
    CHECK(at.ran == 0);
    // With bulk before it, all waits in its order.
    at.dial("many");
    at.send("many", hello_of("many"));
    CHECK(at.told("many") == lines{"welcome n1"});
    at.send_bytes("many", reading::pings(envelopes_per_slice + 1).view());
    at.send("many", wire::bye{});
    at.send("many", hello_of("again"), wire::ping{5});
    CHECK(at.told("many").size() == envelopes_per_slice);
    at.reads.read_bulk();
    CHECK(at.told("many") == lines{"pong 1025"});
    at.reads.read_bulk();
    CHECK(at.told("many") == lines{"welcome n1", "pong 5"});
    REQUIRE(at.out.peers().find("many") != nullptr);
    CHECK(at.out.peers().find("many")->name == "again");
    CHECK_FALSE(at.keeper.has_bulk());
}

TEST_CASE("a pong shows that a peer is there, has read its last answers, and knows of the drain") {
    reading at;
    auto& shop = at.connect("shop");
    shop.probes_left = 3;
    shop.farewell_due = shop.drain_due = true;
    at.send("shop", wire::pong{0});
    CHECK(shop.probes_left == 0);
    CHECK(shop.farewell_due);
    at.send("shop", wire::pong{farewell_token});
    CHECK_FALSE(shop.farewell_due);
    CHECK(shop.drain_due);
    // Calls before it are taken as those of a peer that did not know.
    at.admits.drain();
    at.send("shop", call_to("a/echo", 1, "one"), wire::pong{drain_token},
            call_to("a/echo", 2, "two"));
    at.run();
    CHECK(at.told("shop") ==
          lines{"failure 2 node n1 is draining; the call did not run", "reply 1 one"});
}

TEST_CASE("gossip is heard from nodes, and from nobody else") {
    reading at;
    told_membership membership;
    at.others.carry(membership);
    at.connect("shop");
    at.connect("n2", wire::peer_role::node);
    at.send("shop", wire::gossip{as_bytes("rumour")}, wire::ping{1});
    CHECK(at.told("shop").back() == "pong 1");
    CHECK(membership.said.empty());
    at.send("n2", wire::gossip{as_bytes("hearsay")}, wire::ping{1});
    CHECK(at.told("n2").back() == "pong 1");
    CHECK(membership.said == lines{"from 7 hearsay"});
}

TEST_CASE("keys are offered by nodes, and by nobody else") {
    lane_parts at;
    const auto function = testing::keyed_function(
        at.harness, "a/show", [](testing::call_view call) { return call.reply(call.payload); });
    testing::manual_state state({&function});
    auto& space = *state.space("texts");
    const auto lease =
        std::make_shared<actors::node_lease>(+[]() noexcept -> std::int64_t { return 1; });
    lease->set(1, 1000, 1000);
    space.share(std::make_shared<actors::key_rights>(lease));
    for (std::uint32_t each = 0; each < cluster::partition_count; ++each)
        space.sharing()->rights().set(each, actors::key_right::own);
    const auto offers =
        std::make_shared<actors::key_offers>(std::vector{actors::key_handover(space)});
    at.reads.use_offers(offers.get());
    wire::frame_buffer offer;
    wire::append(offer, "texts", std::vector{wire::key_item{as_bytes("ann")}});

    at.connect("shop");
    at.send_bytes("shop", offer.view());
    CHECK(space.look().counted.taken == 0);
    at.connect("n2", wire::peer_role::node);
    at.send_bytes("n2", offer.view());
    CHECK(space.look().counted.taken == 1);
    CHECK(at.told("n2").empty());
    // No array of keys.
    at.send_bytes("n2", as_bytes("\x93\x10\xa1s\x07"));
    const auto told = at.told("n2");
    REQUIRE(told.size() == 1);
    CHECK_THAT(told[0], Catch::StartsWith("failure 0 offer: not an array of at most 1024 keys"));
    offers->end();
    state.read();
}
