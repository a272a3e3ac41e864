// SPDX-License-Identifier: Apache-2.0
//
// The allow-list changes while the node runs, and those who are connected are not forgotten.
#include "tests/cluster/security_harness.hpp"

#include <filesystem>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE("a key that is added to the allow-list is let in without a restart") {
    const keyed_cluster keys;
    const auto node = start_node(keys.secure(node_settings()));
    CHECK_THAT(fate(at(*node), keys.as(keys.stranger)), Contains("key"));
    keys.allow(allowed(keys.stranger, "client"));
    keys.wait_for_list(*node, 1);
    CHECK(fate(at(*node), keys.as(keys.stranger)) == "welcome");
    CHECK_THAT(fate(at(*node), keys.as(keys.shop)), Contains("key"));
}

TEST_CASE("a key that is taken off loses its connection at once, and its calls are answered") {
    const keyed_cluster keys;
    const auto control_node = start_node(member_settings("control"));
    raw_client control(at(*control_node));
    const auto node = start_node(keys.secure(node_settings()));
    const std::string door = "taken off";
    raw_client ops(at(*node), keys.as(keys.ops));
    raw_client shop(at(*node), keys.as(keys.shop));
    const auto running = shop.invoke("faults/block", door);
    control.await_event(door + " in");
    keys.allow({});
    shop.wait_until([&] { return !shop.goaways.empty(); }, "a goaway");
    CHECK(shop.goaways.front().code == errc::unauthenticated);
    CHECK(shop.wait(running, "block").code == errc::unavailable);
    CHECK_THAT(shop.wait(running, "block").detail, Contains("faults/block may have run"));
    CHECK(ops.stats().at("peers_expelled") == 1);

    // It had the time to read why; then the connection ends.
    ops.wait_for_stat("connections", [](std::uint64_t left) { return left == 1; });
    control.call("faults/happen", door);
    ops.wait_until_idle("faults/block");
    CHECK(shop.answers[running].size() == 1);

    // Back on the list, its key is let in again.
    keys.allow(allowed(keys.shop, "client"));
    keys.wait_for_list(*node, 2);
    raw_client again(at(*node), keys.as(keys.shop));
    CHECK(again.call("bench/echo", 7).ok);
}

TEST_CASE("a key that is taken off while calls and their repeats run gets one answer for each") {
    const keyed_cluster keys;
    const auto node = start_node(keys.secure(node_settings()));
    raw_client ops(at(*node), keys.as(keys.ops));
    raw_client shop(at(*node), keys.as(keys.shop));
    std::vector<std::uint64_t> sent;
    for (std::uint64_t copy = 0; copy < 20; ++copy) {
        auto call = shop.make("faults/nap_until_stopped", std::string("taken off nap"));
        call.origin = 0x0123'4567'89ab'cdefu;
        call.origin_id = copy / 4 + 1;  // three repeats of each
        shop.send(call);
        sent.push_back(call.id);
    }
    ops.wait_for_stat("dedupe_repeats", 15);
    keys.allow({});
    for (const auto id : sent) CHECK(shop.wait(id, "a call").code == errc::unavailable);
    shop.wait_until([&] { return !shop.goaways.empty(); }, "a goaway");
    for (const auto id : sent) CHECK(shop.answers[id].size() == 1);
    ops.wait_until_idle("faults/nap_until_stopped");
    ops.wait_for_stat("calls_open", [](std::uint64_t open) { return open <= 1; });
}

TEST_CASE("changed patterns and roles hold for those who are connected") {
    const keyed_cluster keys;
    const auto node = start_node(keys.secure(node_settings()));
    raw_client shop(at(*node), keys.as(keys.shop));
    CHECK(shop.call("bench/echo", 7).ok);
    CHECK(shop.call("dunlin/nodes", nullptr).code == errc::permission_denied);
    keys.allow(allowed(keys.shop, "client", "functions = [\"faults/*\"]"));
    keys.wait_for_list(*node, 1);
    CHECK(shop.call("bench/echo", 7).code == errc::permission_denied);
    CHECK(shop.call("faults/remaining", std::string("s")).ok);
    keys.allow(allowed(keys.shop, "operator"));
    keys.wait_for_list(*node, 2);
    CHECK(shop.call("bench/echo", 7).ok);
    CHECK(shop.call("dunlin/nodes", nullptr).ok);
    CHECK(shop.goaways.empty());
}

TEST_CASE("a further node key that becomes a client's is no node any more") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "node"));
    const auto node = start_node(keys.secure(member_settings("n1")));
    raw_client peer(at(*node), keys.as(keys.shop), raw_client::greeting::none);
    const auto hello = hello_of_node("n2", 77);
    peer.send(hello);
    peer.wait_until([&] { return peer.welcomes.size() == 1; }, "the welcome");
    auto call = peer.make("bench/echo", 7);
    call.flags = wire::invoke_flags::forwarded;
    peer.send(call);
    CHECK(peer.wait(call.id, "echo").ok);
    keys.allow(allowed(keys.shop, "client"));
    peer.wait_until([&] { return !peer.goaways.empty(); }, "a goaway");
    peer.send(hello);
    peer.wait_until([&] { return peer.goaways.size() == 2; }, "another goaway");
    CHECK_THAT(peer.goaways.back().detail, Contains("a node connects with the key"));
}

TEST_CASE("a list that cannot be read changes nothing, and is told once") {
    const keyed_cluster keys;
    captured_log log;
    const auto node = start_node(keys.secure(node_settings()));
    raw_client ops(at(*node), keys.as(keys.ops));
    raw_client shop(at(*node), keys.as(keys.shop));
    keys.files.write("allow.toml", allowed(keys.ops, "king"));
    ops.wait_for_stat("allow_list_failures", 1);
    std::filesystem::remove(keys.files.file("allow.toml"));
    ops.wait_for_stat("allow_list_failures", 2);
    keys.files.write("allow.toml", "");
    ops.wait_for_stat("allow_list_failures", 3);
    CHECK(shop.call("bench/echo", 7).ok);
    CHECK(fate(at(*node), keys.as(keys.shop)) == "welcome");
    CHECK(log.lines_with("the last good one stays", "allow.toml:4") == 1);
    CHECK(log.lines_with("the last good one stays", "it is empty") == 1);
    CHECK(log.lines_with("the last good one stays") == 3);
    keys.allow(allowed(keys.shop, "client", "functions = [\"none/*\"]"));
    ops.wait_for_stat("allow_list_reloads", 1);
    CHECK(shop.call("bench/echo", 7).code == errc::permission_denied);
    CHECK(ops.stats().at("allow_list_failures") == 3);
}
