// SPDX-License-Identifier: Apache-2.0
//
// Nodes with keys among themselves.
#include "tests/cluster/security_harness.hpp"
#include "tests/support/reserved_port.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE("nodes with one key form a cluster, and calls find their function there") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client", "functions = [\"bench/*\"]"));
    auto config = keys.secure(member_settings("worker"));
    config.allow.clear();  // the node that a call enters by decides about it
    const auto worker = start_node(config);
    const auto entry = start_node(keys.secure(entry_settings("entry", {at(*worker)})));
    raw_client ops(at(*entry), keys.as(keys.ops));
    ops.wait_for_members({{"worker", "alive"}, {"entry", "alive"}});
    raw_client shop(at(*entry), keys.as(keys.shop));
    wait_until_callable(shop, "bench/echo");
    CHECK(shop.call("bench/echo", 7).value<int>() == 7);
    auto call = shop.make("bench/echo", 8);
    call.origin = 4711;
    call.origin_id = call.id;
    shop.send(call);
    CHECK(shop.wait(call.id, "echo").value<int>() == 8);
    CHECK(shop.call("faults/remaining", std::string("s")).code == errc::permission_denied);
    CHECK(ops.stats().at("calls_forwarded") >= 2);
    raw_client inside(at(*worker), keys.as(keys.own));
    CHECK(inside.stats().at("impostors") == 0);
    CHECK(inside.function("faults/remaining").at("invocations") == 0);
    CHECK_THAT(fate(at(*worker), keys.as(keys.shop)), Contains("key"));
}

TEST_CASE("nodes whose keys are in each other's allow-list form a cluster") {
    const keyed_cluster keys;
    const keyed_cluster other;
    keys.allow(allowed(other.own, "node"));
    other.allow(allowed(keys.own, "node"));
    const auto worker = start_node(keys.secure(member_settings("worker")));
    const auto entry = start_node(other.secure(entry_settings("entry", {at(*worker)})));
    raw_client ops(at(*entry), other.as(other.ops));
    ops.wait_for_members({{"worker", "alive"}, {"entry", "alive"}});
    wait_until_callable(ops, "bench/echo");
    CHECK(ops.call("bench/echo", 7).value<int>() == 7);
    raw_client(at(*worker), keys.as(keys.ops))
        .wait_for_members({{"worker", "alive"}, {"entry", "alive"}});
}

TEST_CASE("a node with another key, with none, or alone with one, does not join and says why") {
    const keyed_cluster keys;
    const keyed_cluster other;
    const auto secured = start_node(keys.secure(member_settings("n1")));
    const auto open = start_node(member_settings("n1"));
    for (auto config :
         {other.secure(member_settings("n2", {at(*secured)})),
          member_settings("n2", {at(*secured)}), keys.secure(member_settings("n2", {at(*open)}))}) {
        // Without a key it is chance whether ZeroMQ tells why before the other end has closed.
        if (config.key.empty()) config.join_timeout = 1min;
        const auto why = refusal(config);
        INFO(why);
        CHECK_THAT(why, Contains("cannot join tcp://") &&
                            Contains("all have one and the same key (--key), or none has one"));
    }
    // Seeds that do not answer at all are no excuse to serve alone.
    const tests::reserved_port nobody;
    const auto why =
        refusal(other.secure(member_settings("n2", {nobody.endpoint(), at(*secured)})));
    CHECK_THAT(why, Contains("cannot join " + at(*secured)));
    raw_client ops(at(*secured), keys.as(keys.ops));
    ops.wait_for_members({{"n1", "alive"}});
    CHECK(ops.stats().at("members") == 1);
    CHECK(raw_client(at(*open)).stats().at("members") == 1);
}

TEST_CASE("a client is told of the functions that it may call only, and of their load") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client", "functions = [\"bench/echo\", \"faults/happen\"]"));
    const auto first = start_node(keys.secure(member_settings("n1")));
    const auto second = start_node(keys.secure(entry_settings("n2", {at(*first)})));
    raw_client ops(at(*first), keys.as(keys.ops), raw_client::greeting::cluster);
    ops.wait_for_members({{"n1", "alive"}, {"n2", "alive"}});
    CHECK(ops.catalog.count("bench/nap") == 1);

    raw_client shop(at(*first), keys.as(keys.shop), raw_client::greeting::cluster);
    using names = std::vector<std::string>;
    shop.wait_until([&] { return !shop.catalog_places.empty(); }, "the catalog");
    CHECK(shop.catalog_places == names{"bench/echo", "dunlin/functions", "faults/happen"});
    // Loads name places in the list that was told, not in the node's own.
    const auto told_of = [&](const char* function, const auto& input) {
        shop.loads.clear();
        CHECK(shop.call(function, input).ok);
        return shop.loads.size() == 1 ? shop.catalog_places.at(shop.loads.front().function) : "";
    };
    CHECK(told_of("bench/echo", 7) == "bench/echo");
    CHECK(told_of("faults/happen", std::string("x")) == "faults/happen");
    CHECK(told_of("bench/echo", std::string(100'000, 'x')) == "bench/echo");  // a large reply

    keys.allow(allowed(keys.shop, "client", "functions = [\"bench/nap\", \"bench/echo\"]"));
    shop.wait_until(
        [&] {
            return shop.catalog_places == names{"bench/echo", "bench/nap", "dunlin/functions"};
        },
        "the functions that it may call now");
    CHECK(told_of("bench/echo", 7) == "bench/echo");
}
