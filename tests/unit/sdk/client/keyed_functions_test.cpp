// SPDX-License-Identifier: Apache-2.0
//
// Calls whose key is a field of their input: taken by the client, which then knows their owner.
#include "cluster/key_owners.hpp"
#include "fake_fleet.hpp"
#include "fake_node.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/client.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;

namespace {

struct page {
    std::string visitor;
    std::string url = "/";
    DUNLIN_FIELDS(visitor, url)
};

/// A node of a cluster that tells what it serves.
fake_node::options that_serves(std::vector<wire::catalog_item> catalog) {
    fake_node::options how;
    how.cluster = "fakes";
    how.instance = 101;
    how.catalog = std::move(catalog);
    return how;
}

const std::vector<wire::catalog_item> keyed{{"t/hold", "1", 0, "visitor", "visitors"},
                                            {"t/echo", "1", 0}};

template <class In>
fake_node::held call_held(fake_node& node, client& c, const In& in, call_options options = {}) {
    auto later = c.async_invoke<void>("t/hold", in, std::move(options));
    auto held = node.wait_for_held(1).calls.front();
    node.answer_held();
    later.wait();
    return held;
}

// Node 1 serves t/visit and nothing of the space; nodes 2 and 3 serve both; and all serve t/plain.
struct fleet_with_space : fake_fleet {
    std::map<std::uint64_t, cluster::served_set> serves;

    fleet_with_space() {
        connect_all(3);
        const std::vector<std::string> some{"t/visit", "t/plain"};
        const std::vector<std::string> all{"t/visit", "t/plain", "space:visitors"};
        for (std::uint64_t instance = 1; instance <= 3; ++instance) {
            serves[instance] = cluster::served_set::of(instance == 1 ? some : all);
            const std::vector<wire::catalog_item> catalog{
                {"t/visit", "1", 0, "visitor", "visitors"}, {"t/plain", "1", 0}};
            as_list({.total = 2}, catalog, [&](const wire::item_list& items) {
                CHECK(fleet.take_catalog(node(instance), items));
            });
        }
        for (std::uint64_t teller = 1; teller <= 3; ++teller) tell_served(teller);
    }
    void tell_served(std::uint64_t teller) {
        std::vector<std::string> texts;
        for (const auto& each : serves) texts.push_back(endpoint_of(each.first));
        std::vector<wire::member_item> members;
        for (const auto& [instance, set] : serves) {
            wire::member_item item;
            item.instance = instance;
            item.name = texts[members.size()];
            item.endpoints[0] = texts[members.size()];
            item.endpoint_count = 1;
            item.tells_serves = true;
            item.serves = set.view();
            members.push_back(item);
        }
        as_list({.view = ++view, .total = 3}, members, [&](const wire::item_list& items) {
            fleet.take_members(node(teller), items, now);
        });
    }
    [[nodiscard]] std::uint64_t owner(std::string_view owned, const std::string& key) {
        cluster::key_owners owners;
        std::vector<cluster::key_owners::member> members;
        for (const auto& [instance, set] : serves)
            members.push_back({instance, endpoint_of(instance), false, set});
        owners.assign(std::move(members));
        return owners.owner(owned, key);
    }
};

}  // namespace

TEST_CASE("client takes the key of a call from its input, as the node's catalog says") {
    fake_node node(that_serves(keyed));
    auto c = connected(node);
    const auto held = call_held(node, c, page{"anna"});
    CHECK(held.key == "anna");
    CHECK(held.payload == encode(page{"anna"}));
    CHECK(call_held(node, c, std::map<std::string, int>{{"visitor", -7}}).key == "-7");
    // Others would look under the field's key, whatever the caller thinks.
    CHECK(call_held(node, c, page{"anna"}, {.key = "bert"}).key == "anna");
    // Larger than what is kept for the next one.
    const page large{"carl", std::string(200'000, 'x')};
    const auto held_large = call_held(node, c, large);
    CHECK(held_large.key == "carl");
    CHECK(held_large.payload == encode(large));
    CHECK(c.invoke<page>("t/echo", page{"dora"}).value().visitor == "dora");
}

TEST_CASE("client without a catalog sends what its caller gave, for the node to look") {
    for (const bool tells : {false, true}) {
        auto how = that_serves({});
        if (tells) how.catalog = {{"t/hold", "1", 0}};
        fake_node node(how);
        auto c = connected(node);
        CHECK(call_held(node, c, page{"anna"}).key.empty());
        CHECK(call_held(node, c, page{"anna"}, {.key = "bert"}).key == "bert");
    }
}

TEST_CASE("client refuses a call whose key cannot be taken from the input, and names the field") {
    fake_node node(that_serves(keyed));
    auto c = connected(node);
    const auto refusal = [&](const auto& in) { return c.invoke<void>("t/hold", in).error(); };
    const std::string begin = "t/hold did not run: the key is the field visitor of the input, ";
    CHECK(refusal(std::map<std::string, int>{{"visiter", 1}}) ==
          error{errc::invalid_argument, begin + "which has no such field"});
    CHECK(refusal(page{""}) == error{errc::invalid_argument, begin + "and it is empty"});
    CHECK(refusal(page{std::string(256, 'v')}).detail == begin + "and it is longer than 255 bytes");
    CHECK(refusal(5).detail == begin + "which has no map where that would be");
    CHECK(refusal(std::map<std::string, bool>{{"visitor", true}}).detail ==
          begin + "and what it holds is neither text nor bytes nor an integer");
    CHECK(node.wait_for([](auto&) { return true; }, "").invokes == 0);
    CHECK(c.stats().failures == 5);
    CHECK(c.stats().in_flight == 0);
}

TEST_CASE_METHOD(fleet_with_space, "fleet finds the owner of a key among those of its space") {
    std::set<std::uint64_t> owners;
    for (int i = 0; i < 60; ++i) {
        const auto key = "key " + std::to_string(i);
        const auto chosen = pick("t/visit", key);
        CHECK(chosen == owner("space:visitors", key));
        owners.insert(chosen);
        CHECK(pick("t/plain", key) == owner("t/plain", key));
    }
    CHECK(owners == std::set<std::uint64_t>{2, 3});
}

TEST_CASE_METHOD(fleet_with_space, "what the last catalog says of a function's keys counts") {
    REQUIRE(fleet.paths().key_field("t/visit") != nullptr);
    CHECK(*fleet.paths().key_field("t/visit") == "visitor");
    CHECK(fleet.paths().key_field("t/plain") == nullptr);
    CHECK(fleet.paths().key_field("t/none") == nullptr);
    const std::vector<wire::catalog_item> catalog{{"t/visit", "2", 0}, {"t/plain", "2", 0, "id"}};
    as_list({.total = 2}, catalog,
            [&](const wire::item_list& items) { CHECK(fleet.take_catalog(node(1), items)); });
    CHECK(fleet.paths().key_field("t/visit") == nullptr);
    CHECK(*fleet.paths().key_field("t/plain") == "id");
    for (int i = 0; i < 20; ++i) {
        const auto key = "key " + std::to_string(i);
        CHECK(pick("t/visit", key) == owner("t/visit", key));
    }
}
