// SPDX-License-Identifier: Apache-2.0
//
// Who gets into a node with a key, and what each may do there.
#include "tests/cluster/security_harness.hpp"

#include <filesystem>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE("a node with a key serves those whose key it allows, and nobody else") {
    const keyed_cluster keys;
    captured_log log;
    const auto node = start_node(keys.secure(node_settings()));
    raw_client ops(at(*node), keys.as(keys.ops));
    raw_client shop(at(*node), keys.as(keys.shop));
    CHECK(shop.call("bench/echo", 7).value<int>() == 7);

    for (int i = 0; i < 3; ++i)
        CHECK_THAT(fate(at(*node), keys.as(keys.stranger)), Contains("key"));
    CHECK(ops.stats().at("keys_refused") == 3);
    CHECK(log.lines_with("connection refused", keys.stranger.public_key) == 1);
    CHECK(log.lines_with("connection refused", "from=127.0.0.1") == 1);

    // Without a key, and by somebody who takes this node for another.
    CHECK_THAT(fate(at(*node), std::nullopt), Contains("key"));
    CHECK_THAT(fate(at(*node), security::client_keys{keys.shop, keys.stranger.public_key}),
               Contains("key"));
    ops.wait_for_stat("handshakes_failed", 2);
    CHECK(ops.stats().at("peers_connected") == 2);
    CHECK(ops.stats().at("keys_refused") == 3);
}

TEST_CASE("a node with a key and no allow-list serves its own key alone") {
    const keyed_cluster keys;
    auto config = keys.secure(node_settings());
    config.allow.clear();
    const auto node = start_node(config);
    CHECK(raw_client(at(*node), keys.as(keys.own)).call("bench/echo", 7).value<int>() == 7);
    CHECK(fate(at(*node), keys.as(keys.own)) == "welcome");
    CHECK_THAT(fate(at(*node), keys.as(keys.ops)), Contains("key"));
}

TEST_CASE("every lane of a node with a key asks for keys") {
    const keyed_cluster keys;
    auto config = keys.secure(node_settings());
    config.lanes = 3;
    const auto node = start_node(config);
    REQUIRE(node->endpoints().size() == 3);
    for (const auto& endpoint : node->endpoints()) {
        CHECK(raw_client(endpoint, keys.as(keys.shop)).call("bench/echo", 7).ok);
        CHECK_THAT(fate(endpoint, keys.as(keys.stranger)), Contains("key"));
        CHECK_THAT(fate(endpoint, std::nullopt), Contains("key"));
    }
    CHECK(raw_client(at(*node), keys.as(keys.ops)).stats().at("keys_refused") == 3);
}

TEST_CASE("a client calls what its patterns allow, and hears what to do about the rest") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client", "functions = [\"bench/*\", \"!bench/nap\"]"));
    const auto node = start_node(keys.secure(node_settings()));
    raw_client shop(at(*node), keys.as(keys.shop));
    CHECK(shop.call("bench/echo", 7).value<int>() == 7);
    for (const auto* refused : {"bench/nap", "faults/remaining", "no/such", "dunlin/stats"}) {
        INFO(refused);
        const auto& answer = shop.call(refused, 7);
        CHECK(answer.code == errc::permission_denied);
        CHECK(answer.did_not_run);
        CHECK_THAT(answer.detail, Contains("\"shop\" may not call " + std::string(refused)));
    }
    CHECK_THAT(shop.call("bench/nap", 7).detail, Contains("allow-list"));
    // What is allowed and is not there is told as ever, with the nearest name.
    CHECK_THAT(shop.call("bench/ehco", 7).text(), Contains("not_found"));
    raw_client ops(at(*node), keys.as(keys.ops));
    CHECK(ops.stats().at("permission_denied") == 5);
    CHECK(ops.function("bench/nap").at("invocations") == 0);
}

TEST_CASE("calls of one frame are each answered by their own permission") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client", "functions = [\"bench/echo\"]"));
    const auto node = start_node(keys.secure(node_settings()));
    raw_client shop(at(*node), keys.as(keys.shop));
    std::vector<wire::invoke> calls;
    for (int i = 0; i < 6; ++i)
        calls.push_back(shop.make(i % 3 == 1 ? "faults/key_of" : "bench/echo", i));
    shop.send(calls[0], calls[1], calls[2], calls[3], calls[4], calls[5]);
    for (std::size_t i = 0; i < calls.size(); ++i) {
        INFO(i);
        const auto& answer = shop.wait(calls[i].id, "a call");
        CHECK(answer.ok == (i % 3 != 1));
        CHECK(shop.answers[calls[i].id].size() == 1);
    }
}

TEST_CASE("only operators drain or scale a node with a key") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client", "functions = [\"*\", \"dunlin/stats\"]"));
    const auto node = start_node(keys.secure(node_settings()));
    raw_client shop(at(*node), keys.as(keys.shop));
    const auto& refused = shop.call("dunlin/drain", nullptr);
    CHECK(refused.code == errc::permission_denied);
    CHECK_THAT(refused.detail, Contains("operator"));
    CHECK(shop.call("dunlin/scale", nullptr).code == errc::permission_denied);
    CHECK(shop.call("dunlin/nodes", nullptr).code == errc::permission_denied);
    CHECK(shop.call("dunlin/functions", nullptr).ok);
    CHECK(shop.call("dunlin/stats", nullptr).ok);
    raw_client ops(at(*node), keys.as(keys.ops));
    // It reaches the function, which knows of nobody who would end this node.
    CHECK_THAT(ops.call("dunlin/drain", nullptr).detail, Contains("part of a program"));
    CHECK_THAT(ops.call("dunlin/scale", nullptr).detail, Contains("takes a map"));
    CHECK(ops.call("dunlin/nodes", nullptr).ok);
}

TEST_CASE(
    "a key may call the same whatever role its hello tells, and is a node only with that role") {
    const keyed_cluster keys;
    const auto node = start_node(keys.secure(node_settings()));
    // Both say that they are clients.
    raw_client ops(at(*node), keys.as(keys.ops));
    raw_client nodes(at(*node), keys.as(keys.own));
    for (auto* each : {&ops, &nodes}) {
        CHECK(each->call("dunlin/nodes", nullptr).ok);
        CHECK_THAT(each->call("dunlin/drain", nullptr).detail, Contains("part of a program"));
        each->send(wire::gossip{as_bytes("\xc1")});
        each->barrier();
        REQUIRE(each->about_connection.size() == 1);
        CHECK(each->about_connection[0].code == errc::permission_denied);
    }
}

TEST_CASE("a node does not start with a key or an allow-list that is not in order") {
    const keyed_cluster keys;
    auto config = keys.secure(node_settings());
    config.key = keys.files.file("none.key");
    CHECK_THAT(refusal(config), Contains("none.key") && Contains("invalid_argument"));
    config.key = keys.files.file("nodes.pub");
    CHECK_THAT(refusal(config), Contains("nodes.pub"));
    config.key = keys.files.file("shop.key");
    std::filesystem::permissions(config.key, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    CHECK_THAT(refusal(config), Contains("shop.key"));
    config = keys.secure(node_settings());
    config.allow = keys.files.file("none.toml");
    CHECK_THAT(refusal(config), Contains("none.toml"));
    config = keys.secure(node_settings());
    keys.files.write("allow.toml", "[[allow]]\nname = \"shop\nkey = 3\n");
    CHECK_THAT(refusal(config), Contains("allow.toml") && Contains("2"));
    keys.allow(allowed(keys.shop, "client", "functions = [\"text/ count\"]"));
    CHECK_THAT(refusal(config), Contains("allow.toml:10") && Contains("text/ count"));
    config = keys.secure(node_settings());
    config.key.clear();
    CHECK_THAT(refusal(config), Contains("--key"));
}

TEST_CASE("listening everywhere takes a key, and then strangers are refused there too") {
    const keyed_cluster keys;
    auto config = node_settings();
    config.listen = "tcp://0.0.0.0:0";
    CHECK_THAT(refusal(config), Contains("--key") && Contains("--insecure"));
    const auto node = start_node(keys.secure(config));
    const auto port = at(*node).substr(at(*node).rfind(':'));
    CHECK(fate("tcp://127.0.0.1" + port, keys.as(keys.shop)) == "welcome");
    CHECK_THAT(fate("tcp://127.0.0.1" + port, keys.as(keys.stranger)), Contains("key"));
}

TEST_CASE("no secret is ever logged or told") {
    const keyed_cluster keys;
    captured_log log;
    std::string told;
    {
        const auto node = start_node(keys.secure(member_settings("n1")));
        const auto second = start_node(keys.secure(member_settings("n2", {at(*node)})));
        raw_client shop(at(*node), keys.as(keys.shop));
        told += shop.call("bench/echo", 7).text();
        told += shop.call("dunlin/drain", nullptr).text();
        told += fate(at(*node), keys.as(keys.stranger));
        told += fate(at(*node), keys.as(keys.shop), wire::peer_role::node);
        keys.files.write("allow.toml", "key = \"" + keys.own.secret_key.reveal() + "\"");
        log.wait_for("the last good one stays");
        keys.allow({});
        log.wait_for("read anew");
        raw_client ops(at(*node), keys.as(keys.ops));
        told += ops.ask("dunlin/stats").dump() + ops.ask("dunlin/nodes").dump();
    }
    auto config = keys.secure(node_settings());
    config.key = keys.files.file("stranger.key");
    std::filesystem::permissions(config.key, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    told += refusal(config);
    told += log.text();
    CHECK(told.size() > 1000);
    for (const auto* each : {&keys.own, &keys.shop, &keys.ops, &keys.stranger})
        CHECK(told.find(each->secret_key.reveal()) == std::string::npos);
}
