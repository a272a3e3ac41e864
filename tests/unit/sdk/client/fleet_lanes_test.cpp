// SPDX-License-Identifier: Apache-2.0
//
// Which lane of a node gets a call: nodes of several lanes, without sockets.
#include "client/fleet.hpp"
#include "cluster/key_owners.hpp"
#include "cluster/rendezvous.hpp"
#include "fake_fleet.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::link;
using dunlin::tests::fake_channel;
using dunlin::tests::fake_fleet;

namespace {

constexpr std::size_t lanes = 3;

/// A connection, as the node's instance and the lane's place among those that the node names.
using place = std::pair<std::uint64_t, std::size_t>;

/// Nodes 1, 2, ... of three lanes. The first endpoint is not that of a first lane, so the lanes are
/// connected in another order than the node names them.
struct fleet_of_lanes {
    using time_point = link::fleet::time_point;

    time_point now{std::chrono::hours(1)};
    link::fleet fleet{{.endpoints = {endpoint_of({1, 2})},
                       .pause_min = std::chrono::milliseconds(1),
                       .pause_max = std::chrono::seconds(1),
                       .seed = 7,
                       .nodes_max = 16},
                      ""};
    std::map<place, std::unique_ptr<fake_channel>> channels;
    bool behind_proxy = false;  // nodes name other ports than those that they are reached at

    static std::string endpoint_of(place of) {
        return "tcp://node.test:" + std::to_string(of.first * 10 + of.second);
    }
    static place place_at(std::string_view endpoint) {
        const auto port = std::stoull(std::string(endpoint.substr(endpoint.rfind(':') + 1)));
        return {port / 10, port % 10};
    }
    /// Carries out the attempts that lead to these nodes; others stay under way.
    void connect(const std::set<std::uint64_t>& nodes) {
        while (const auto attempt = fleet.plan().next_attempt(now)) {
            const auto at = place_at(attempt->endpoint);
            if (nodes.count(at.first) == 0) continue;
            auto& made = channels[at];
            made = std::make_unique<fake_channel>(at.first, attempt->lane, attempt->endpoint);
            auto envelope = fake_fleet::welcome_of(*made);
            std::vector<std::string> named;
            for (std::size_t i = 0; i < lanes; ++i)
                named.push_back(behind_proxy ? "tcp://inside:1" + std::to_string(i)
                                             : endpoint_of({at.first, i}));
            envelope.endpoint_count = behind_proxy ? 1 : lanes;
            for (std::size_t i = 0; i < lanes; ++i) envelope.endpoints[i] = named[i];
            fleet.welcome(*made, envelope, now);
        }
    }
    /// Node 1 tells of so many members, and the client connects to the first ones.
    void connect(std::uint64_t members, std::uint64_t reached) {
        connect({1});
        std::vector<std::string> texts;
        for (std::uint64_t i = 1; i <= members; ++i)
            for (std::size_t lane = 0; lane < lanes; ++lane)
                texts.push_back(endpoint_of({i, lane}));
        std::vector<wire::member_item> items;
        for (std::uint64_t i = 1; i <= members; ++i) {
            wire::member_item item;
            item.instance = i;
            item.name = texts[(i - 1) * lanes];
            for (std::size_t lane = 0; lane < lanes; ++lane)
                item.endpoints[lane] = texts[(i - 1) * lanes + lane];
            item.endpoint_count = lanes;
            items.push_back(item);
        }
        const auto total = static_cast<std::uint32_t>(members);
        fake_fleet::as_list({.view = 1, .total = total}, items, [&](const wire::item_list& list) {
            fleet.take_members(*channels.at({1, 0}), list, now);
        });
        std::set<std::uint64_t> nodes;
        for (std::uint64_t i = 1; i <= reached; ++i) nodes.insert(i);
        connect(nodes);
        CHECK(channels.size() == reached * lanes);
    }
    void lose(place which) {
        auto& gone = *channels.at(which);
        gone.give_up("the connection was closed");
        fleet.lost(gone, now);
        fleet.refresh(now);
        channels.erase(which);
    }
    /// Where a call goes, which leaves in a frame of its own.
    place pick(const std::string& key, const kept_call* before = nullptr) {
        const auto to = fleet.pick("t/f", key, before, now);
        REQUIRE(to.on != nullptr);
        fleet.frame_leaves(*to.on);
        now += std::chrono::milliseconds(1);
        return place_at(to.on->endpoint());
    }
    /// Where all calls of the key go. They are several, and others go between them.
    place one_way(const std::string& key) {
        std::set<place> found;
        for (int i = 0; i < 10; ++i) {
            found.insert(pick(key));
            pick("");
        }
        CHECK(found.size() == 1);
        return *found.begin();
    }
    [[nodiscard]] std::set<place> picked_without_key() {
        std::set<place> found;
        for (int i = 0; i < 200; ++i) found.insert(pick(""));
        return found;
    }
};

std::size_t lane_of(const std::string& key) { return cluster::partition_of(key) % lanes; }

std::vector<std::string> some_keys() {
    std::vector<std::string> keys;
    for (int i = 0; i < 60; ++i) keys.push_back("key " + std::to_string(i));
    return keys;
}

}  // namespace

TEST_CASE_METHOD(fleet_of_lanes, "fleet gives all calls of a key to one lane, by its partition") {
    connect({1});
    for (const auto& key : some_keys()) CHECK(one_way(key) == place{1, lane_of(key)});
    CHECK(picked_without_key().size() == lanes);
    // As WIRE.md says.
    CHECK(one_way("k1") == place{1, 2});
    CHECK(one_way("user/4711") == place{1, 2});
}

TEST_CASE_METHOD(fleet_of_lanes, "a lane that is lost moves the calls of its keys only, and back") {
    connect({1});
    lose({1, 1});
    std::set<place> instead;
    for (const auto& key : some_keys()) {
        const auto way = one_way(key);
        if (lane_of(key) == 1)
            instead.insert(way);
        else
            CHECK(way == place{1, lane_of(key)});
    }
    CHECK(instead == std::set<place>{{1, 0}, {1, 2}});
    now = fleet.plan().next_action();
    connect({1});
    for (const auto& key : some_keys()) CHECK(one_way(key) == place{1, lane_of(key)});
}

TEST_CASE_METHOD(fleet_of_lanes, "calls of a key do not wait for their lane when it is full") {
    connect({1});
    auto& full = *channels.at({1, 1});
    full.in_flight = full.in_flight_max;
    for (const auto& key : some_keys())
        CHECK((one_way(key).second == lane_of(key)) == (lane_of(key) != 1));
}

TEST_CASE_METHOD(fleet_of_lanes, "fleet gives all calls of a key to one lane of its owner") {
    connect(2, 2);
    cluster::key_owners owners;
    owners.assign({{1, endpoint_of({1, 0}), false, {}}, {2, endpoint_of({2, 0}), false, {}}});
    for (const auto& key : some_keys()) {
        const auto owner = owners.owner("t/f", key);
        CHECK(one_way(key) == place{owner, lane_of(key)});
        // Sent again, elsewhere.
        kept_call before;
        before.begin(key, {}, 2);
        before.note_tried(owner);
        CHECK(pick(key, &before) == place{3 - owner, lane_of(key)});
    }
    CHECK(picked_without_key().size() == 2 * lanes);
}

TEST_CASE_METHOD(fleet_of_lanes, "calls of a key whose owner is not connected take one way to it") {
    connect(4, 3);
    cluster::key_owners owners;
    std::vector<cluster::key_owners::member> members;
    for (std::uint64_t i = 1; i <= 4; ++i) members.push_back({i, endpoint_of({i, 0}), false, {}});
    owners.assign(std::move(members));
    std::map<std::string, place> ways;
    std::set<std::uint64_t> nodes;
    for (const auto& key : some_keys()) {
        if (owners.owner("t/f", key) != 4) continue;
        ways[key] = one_way(key);
        nodes.insert(ways[key].first);
        CHECK(ways[key].second == lane_of(key));
    }
    CHECK(nodes == std::set<std::uint64_t>{1, 2, 3});
    // A node that is lost, with all of its lanes, moves what went by it, and nothing else.
    for (std::size_t lane = 0; lane < lanes; ++lane) lose({2, lane});
    for (const auto& [key, way] : ways) {
        const auto now_by = one_way(key);
        CHECK(now_by.first != 2);
        if (way.first != 2) CHECK(now_by == way);
    }
}

TEST_CASE("of several ways to a node that names none of them a key takes one, keys take all") {
    fake_channel first(1, 1, "tcp://proxy:1");
    fake_channel second(1, 2, "tcp://proxy:2");
    const peer_node node{.instance = 1, .lanes = {&first, &second}};
    CHECK(node.lane_of(4) == &first);
    CHECK(node.lane_of(5) == &second);
    first.in_flight = first.in_flight_max;
    CHECK(node.lane_of(4) == &second);
    second.in_flight = second.in_flight_max;
    CHECK(node.lane_of(4) == nullptr);
}

TEST_CASE_METHOD(fleet_of_lanes, "calls of a key take the one way there is behind a proxy") {
    behind_proxy = true;
    connect({1});
    // Of a node behind a proxy the client knows no lane but the one that it was given.
    CHECK(channels.size() == 1);
    for (const auto& key : some_keys()) CHECK(one_way(key) == place{1, 2});
}
