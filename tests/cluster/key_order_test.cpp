// SPDX-License-Identifier: Apache-2.0
//
// Calls of one key that one caller makes come to the key's owner in the order in which they were
// sent, over nodes of several lanes.
//
// A lane of the owner is held, so what would take it comes late, and what would take another one
// overtakes it.
#include "cluster/rendezvous.hpp"
#include "cluster/warm_set.hpp"
#include "tests/cluster/cluster_harness.hpp"
#include "tests/cluster/raw_client.hpp"

#include <dunlin/client.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

constexpr std::size_t lanes = 3;
/// Lane 0 carries the membership.
constexpr std::size_t held_lane = 1;

/// What `order/note` takes.
struct numbered_call {
    std::string list;
    int number = 0;
    std::string padding;
    DUNLIN_FIELDS(list, number, padding)
};

/// Fills a frame by itself, so that a client which takes turns between lanes would do so now.
constexpr std::size_t frame_bytes = 70'000;

runtime::node_config owner_settings() {
    auto config = member_settings("owner");
    config.modules = {module_file("faults"), module_file("order")};
    config.lanes = lanes;
    config.activations = 1;                        // calls run in the order in which they come
    config.lane_hold_max = std::chrono::hours(1);  // nobody takes a lane over
    return config;
}

/// A key of each lane.
std::vector<std::string> keys_of_lanes(const std::string& name) {
    std::vector<std::string> keys(lanes);
    for (int i = 0; std::count(keys.begin(), keys.end(), "") != 0; ++i) {
        const auto key = name + ' ' + std::to_string(i);
        keys[cluster::partition_of(key) % lanes] = key;
    }
    return keys;
}

/// Keeps one lane of the node from reading, until it is let go.
class lane_hold {
public:
    lane_hold(const runtime::node& node, std::string name)
        : name_(std::move(name)),
          holding_(node.endpoints().at(held_lane)),
          beside_(node.endpoints().front()),
          call_(holding_.invoke("faults/stay", name_)) {
        REQUIRE(beside_.call("faults/wait_for", awaited{name_ + " in"}).value<bool>());
    }
    void let_go() {
        CHECK(holding_.is_open(call_));
        CHECK(beside_.call("faults/happen", name_).ok);
        CHECK(holding_.wait(call_, "the call that held a lane").ok);
    }

private:
    std::string name_;
    raw_client holding_;
    raw_client beside_;
    std::uint64_t call_;
};

std::vector<int> noted(const runtime::node& owner, const std::string& list) {
    raw_client client(at(owner));
    return client.call("order/noted", list).value<std::vector<int>>();
}

}  // namespace

TEST_CASE("calls of one key that a client's thread makes come to their owner in order") {
    const auto owner = start_node(owner_settings());
    std::unique_ptr<runtime::node> other;
    raw_client watching(at(*owner));
    std::uint64_t peers = 1;
    const bool clustered = GENERATE(false, true);
    if (clustered) {
        auto config = entry_settings("other", {at(*owner)});
        config.lanes = lanes;
        other = start_node(config);
        wait_until_together({owner.get(), other.get()});
        peers += lanes;
    }
    // While a lane's connection is missing, its calls take another way.
    watching.wait_for_stat("peers", [&](std::uint64_t now) { return now == peers; });
    auto client = dunlin::client::connect(at(*owner)).value();
    watching.wait_for_stat("peers", peers + lanes);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (clustered && client.stats().nodes != 2)
        REQUIRE(std::chrono::steady_clock::now() < until);

    const std::string name = clustered ? "of two nodes" : "of one node";
    const auto keys = keys_of_lanes(name);
    lane_hold hold(*owner, name);
    constexpr int calls = 12;
    std::vector<std::vector<std::future<result<void>>>> answers(lanes);
    for (std::size_t lane = 0; lane < lanes; ++lane)
        for (int number = 0; number < calls; ++number)
            answers[lane].push_back(client.async_invoke<void>(
                "order/note", numbered_call{keys[lane], number, std::string(frame_bytes, 'x')},
                {.key = keys[lane]}));
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        if (lane == held_lane) continue;
        for (auto& each : answers[lane]) CHECK(each.get());
    }
    CHECK(noted(*owner, keys[held_lane]).empty());
    hold.let_go();
    for (auto& each : answers[held_lane]) CHECK(each.get());
    std::vector<int> in_order(calls);
    std::iota(in_order.begin(), in_order.end(), 0);
    for (const auto& key : keys) CHECK(noted(*owner, key) == in_order);
}

TEST_CASE("calls of one key that are sent on over one lane come to their owner in order") {
    const auto owner = start_node(owner_settings());
    auto config = entry_settings("entry", {at(*owner)});
    config.lanes = lanes;
    const auto entry = start_node(config);
    std::vector<std::unique_ptr<raw_client>> clients;
    for (const auto& endpoint : entry->endpoints()) {
        clients.push_back(std::make_unique<raw_client>(endpoint));
        wait_until_callable(*clients.back(), "order/noted");
    }
    const auto keys = keys_of_lanes("sent on");
    lane_hold hold(*owner, "sent on");
    std::vector<std::vector<std::uint64_t>> calls(lanes);
    for (int number = 0; number < 12; ++number) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            auto call = clients[lane]->make("order/note", numbered_call{keys[lane], number, ""});
            call.key = as_bytes(keys[lane]);
            clients[lane]->send(call);
            calls[lane].push_back(call.id);
        }
    }
    const auto await = [&](std::size_t lane) {
        for (const auto id : calls[lane]) CHECK(clients[lane]->wait(id, "a keyed call").ok);
    };
    for (std::size_t lane = 0; lane < lanes; ++lane)
        if (lane != held_lane) await(lane);
    CHECK(noted(*owner, keys[held_lane]).empty());
    hold.let_go();
    await(held_lane);
    std::vector<int> in_order(12);
    std::iota(in_order.begin(), in_order.end(), 0);
    for (const auto& key : keys) CHECK(noted(*owner, key) == in_order);
}

namespace {

/// A name for a node that comes before `other` in the order in which the function is warm.
std::string warm_before(const std::string& other, std::string_view function) {
    const auto place = [&](std::string_view node) {
        cluster::warm_set order(function);
        order.add(0, cluster::name_hash(other));
        order.add(1, cluster::name_hash(node));
        std::array<cluster::candidate, 2> both{};
        order.narrow(both, {}, 0);
        return both[1].now == cluster::standing::usable;
    };
    for (int i = 0;; ++i)
        if (auto name = "calling-" + std::to_string(i); place(name)) return name;
}

}  // namespace

TEST_CASE("calls of one key that a function makes come to their owner in order") {
    const auto owner = start_node(owner_settings());
    // What it waits for has to run beside it: the other node has one place and a lane that is held.
    auto config = member_settings(warm_before(owner->name(), "faults/block"), {at(*owner)});
    config.lanes = lanes;
    const auto near = start_node(config);
    wait_until_together({owner.get(), near.get()});
    // The function begins on a lane whose own link leads to the one that is held, and goes on
    // where it has no lane.
    raw_client client(near->endpoints().at(held_lane));
    client.chooses_node();
    for (const auto& endpoint : near->endpoints()) {
        raw_client every(endpoint);
        wait_until_callable(every, "order/noted");
    }
    const auto keys = keys_of_lanes("of a function");
    lane_hold hold(*owner, "of a function");
    std::vector<std::uint64_t> calls;
    for (const auto& key : keys) calls.push_back(client.invoke("faults/note_two", key));
    for (const auto& key : keys) {
        CHECK(client.call("faults/wait_for", awaited{key + " later in"}).value<bool>());
        CHECK(client.call("faults/happen", key + " later").ok);
    }
    for (std::size_t lane = 0; lane < lanes; ++lane)
        if (lane != held_lane) CHECK(client.wait(calls[lane], "the calls of a free lane").ok);
    CHECK(noted(*owner, keys[held_lane]).empty());
    hold.let_go();
    CHECK(client.wait(calls[held_lane], "the calls of the lane that was held").ok);
    for (const auto& key : keys) CHECK(noted(*owner, key) == std::vector<int>{1, 2});
}
