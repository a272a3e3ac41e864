// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/handshake.hpp"

#include "tests/support/actor_harness.hpp"
#include "tests/unit/runtime/lane/outlet_parts.hpp"

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

/// The handshake of a lane without the lane. What it tells a peer stands in the peer's frame; what
/// it tells a stranger comes at the socket that the stranger is.
struct lone_handshake : outlet_parts {
    std::shared_ptr<const cluster_view> view;
    connection_keeper keeper{socket,  connections, out,    budget,
                             replies, counters,    now_ns, {100, nullptr}};
    handshake shake{
        out, keeper, loads, counters, view, now_ns, {"n1", "field", 4711, 1 << 20, 100}};
    zmq::socket_t stranger;

    lone_handshake() {
        REQUIRE(socket.bind("inproc://handshake"));
        stranger = runtime::greet(socket, "inproc://handshake", "stranger");
    }
    static wire::hello hello(std::string_view name) {
        wire::hello made;
        made.version_min = made.version_max = wire::protocol_version;
        made.name = name;
        made.role = wire::peer_role::client;
        return made;
    }
    /// What a refused stranger reads.
    std::string refusal() {
        zmq::message_t frame;
        if (!stranger.recv(frame, zmq::recv_flags::dontwait)) return "";
        wire::frame_reader reader(view_of(frame));
        REQUIRE(reader.next() == wire::read_status::envelope);
        REQUIRE(reader.kind() == wire::kind::goaway);
        return std::string(reader.goaway().detail);
    }
};

std::vector<wire::kind> told(peer& who) {
    std::vector<wire::kind> kinds;
    for_each_told(who, [&](const wire::frame_reader& reader) { kinds.push_back(reader.kind()); });
    return kinds;
}

}  // namespace

TEST_CASE("a hello makes a peer, which is welcomed with what the node is") {
    lone_handshake at;
    at.shake.use_endpoints({"tcp://127.0.0.1:1", "tcp://127.0.0.1:2"});
    auto* added = at.shake.greet("stranger", lone_handshake::hello("shop"), {1001, {}});
    REQUIRE(added != nullptr);
    CHECK(added->name == "shop");
    CHECK(added->instance == 0);
    CHECK(added->connection != nullptr);
    CHECK(at.counters.peers_connected.get() == 1);
    wire::frame_reader reader(added->out.view());
    REQUIRE(reader.next() == wire::read_status::envelope);
    const auto welcome = reader.welcome();
    CHECK(welcome.node == "n1");
    CHECK(welcome.cluster == "field");
    CHECK(welcome.endpoint_count == 2);
    CHECK(reader.next() == wire::read_status::end);
}

TEST_CASE("a hello that does not fit is refused with the reason, and makes no peer") {
    lone_handshake at;
    auto old = lone_handshake::hello("old");
    old.version_min = old.version_max = wire::protocol_version + 1;
    CHECK(at.shake.greet("stranger", old, {}) == nullptr);
    CHECK_THAT(at.refusal(), Catch::Contains("no common protocol version"));
    auto lost = lone_handshake::hello("lost");
    lost.cluster = "meadow";
    CHECK(at.shake.greet("stranger", lost, {}) == nullptr);
    CHECK_THAT(at.refusal(),
               Catch::Contains("belongs to the cluster \"field\", not to \"meadow\""));
    auto itself = lone_handshake::hello("n1");
    itself.role = wire::peer_role::node;
    itself.instance = 4711;
    CHECK(at.shake.greet("stranger", itself, {}) == nullptr);
    CHECK(at.refusal() == itself_text);
    CHECK(at.counters.connections_refused.get() == 3);
    CHECK(at.out.peers().size() == 0);
}

TEST_CASE("who says anything else first is told to say hello, and what was wrong with it") {
    lone_handshake at;
    at.shake.refuse_stranger("stranger", "invoke: no id");
    CHECK(at.refusal() == "say hello first");
    at.shake.refuse_stranger("stranger", "hello: no name");
    CHECK(at.refusal() == "say hello first; hello: no name");
    at.shake.refuse_stranger("nobody");
    CHECK(at.counters.frames_before_hello.get() == 3);
    CHECK(at.counters.answers_undeliverable.get() == 1);
}

TEST_CASE("a peer that asks for the cluster hears of functions and members, and of a drain") {
    testing::actor_harness harness;
    auto& count =
        harness.make_pool(harness.function("text/count", [](testing::call_view) { return 0; }));
    auto& secret =
        harness.make_pool(harness.function("secret/a", [](testing::call_view) { return 0; }));
    lone_handshake at;
    at.loads.use_catalog({&secret, &count});
    auto asks = lone_handshake::hello("shop");
    asks.features = wire::features::cluster;
    auto& peer = *at.shake.greet("a", asks, {1001, {}});
    // Nothing is known of the members yet.
    CHECK(told(peer) == std::vector{wire::kind::welcome, wire::kind::catalog});
    auto seen = std::make_shared<cluster_view>();
    seen->members.emplace_back().name = "n1";
    at.view = seen;
    at.shake.tell_members(peer);
    CHECK(told(peer) == std::vector{wire::kind::members});
    at.shake.set_draining();
    at.shake.welcome(peer);
    CHECK(told(peer) == std::vector{wire::kind::welcome, wire::kind::catalog, wire::kind::members,
                                    wire::kind::goaway});
    // A key hears only of what it may call, and its places are counted without the rest.
    grant few;
    few.functions = {*function_pattern::parse("text/*")};
    peer.rights = std::make_unique<peer_rights>("key");
    peer.rights->set(few);
    at.shake.tell_catalog(peer);
    CHECK(peer.place_told(0) == dunlin::runtime::peer::not_told);
    CHECK(peer.place_told(1) == 0);
}

TEST_CASE("a node gossips over its newest connection only") {
    lone_handshake at;
    auto node = lone_handshake::hello("n2");
    node.role = wire::peer_role::node;
    node.instance = 7;
    auto& first = *at.shake.greet("a", node, {1001, {}});
    auto& second = *at.shake.greet("b", node, {1002, {}});
    node.instance = 8;
    auto& other = *at.shake.greet("c", node, {1003, {}});
    at.shake.begin_gossip(first);
    at.shake.begin_gossip(other);
    at.shake.begin_gossip(second);
    CHECK_FALSE(first.gossips);
    CHECK(second.gossips);
    CHECK(other.gossips);
}

TEST_CASE("a catalog tells where the keys of a function's calls come from") {
    testing::actor_harness harness;
    auto visit = harness.function("site/visit", [](testing::call_view) { return 0; });
    visit.key_field = "visitor";
    visit.space = "visitors";
    auto& keyed = harness.make_pool(std::move(visit));
    auto& plain =
        harness.make_pool(harness.function("text/count", [](testing::call_view) { return 0; }));
    lone_handshake at;
    at.loads.use_catalog({&keyed, &plain});
    auto asks = lone_handshake::hello("shop");
    asks.features = wire::features::cluster;
    auto& peer = *at.shake.greet("a", asks, {1001, {}});
    std::vector<std::string> keys;
    for_each_told(peer, [&](const wire::frame_reader& reader) {
        if (reader.kind() != wire::kind::catalog) return;
        auto items = reader.items();
        for (wire::catalog_item each; take(items, each);)
            keys.push_back(std::string(each.key_field) + " in " + std::string(each.space));
    });
    CHECK(keys == std::vector<std::string>{"visitor in visitors", " in "});
}
