// SPDX-License-Identifier: Apache-2.0
//
// Quotas of keys, at nodes with connections: who is beyond one is refused, and others do not
// notice.
#include "tests/cluster/security_harness.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

std::string quota_of(const security::key_pair& who, const std::string& lines) {
    return "[[quota]]\nname = \"" + who.name + "\"\n" + lines + "\n";
}

/// Calls that last until they are cancelled.
std::vector<std::uint64_t> naps(raw_client& of, const std::string& name, int calls) {
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < calls; ++i)
        ids.push_back(of.invoke("faults/nap_until_stopped", name, 0));  // no deadline
    return ids;
}
void wake(raw_client& of, const std::vector<std::uint64_t>& calls) {
    for (const auto id : calls) of.send(wire::cancel{id});
    for (const auto id : calls) CHECK(of.wait(id, "a nap").code == errc::cancelled);
}

}  // namespace

TEST_CASE("a key that has its quota of calls at once is refused more, and others are not") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") + allowed(keys.stranger, "client") +
               quota_of(keys.shop, "concurrency = 3") + quota_of(keys.stranger, "concurrency = 3"));
    captured_log log;
    const auto node = start_node(keys.secure(node_settings()));
    raw_client ops(at(*node), keys.as(keys.ops));
    raw_client shop(at(*node), keys.as(keys.shop));
    raw_client other(at(*node), keys.as(keys.stranger));
    auto running = naps(shop, "quota nap", 3);
    for (int i = 0; i < 4; ++i) {
        const auto& refused = shop.call("bench/echo", i);
        CHECK(refused.code == errc::overloaded);
        CHECK(refused.retry_after_us > 0);
        CHECK(refused.whole_node);
        CHECK_THAT(refused.detail, Contains("\"shop\" may have 3 calls at once at a node, and has; "
                                            "quota of the allow-list"));
    }
    CHECK(other.call("bench/echo", 7).value<int>() == 7);
    CHECK(ops.call("bench/echo", 7).ok);
    CHECK(ops.stats().at("calls_beyond_quota") == 4);
    CHECK(ops.function("bench/echo").at("invocations") == 2);
    CHECK(log.lines_with("beyond the quota", keys.shop.public_key) == 1);
    wake(shop, running);
    for (int i = 0; i < 10; ++i) CHECK(shop.call("bench/echo", i).value<int>() == i);
}

TEST_CASE("a key that calls faster than its rate is refused, with when to come back") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") + allowed(keys.stranger, "client") +
               quota_of(keys.shop, "rate = 1\nburst = 5"));
    const auto node = start_node(keys.secure(node_settings()));
    raw_client shop(at(*node), keys.as(keys.shop));
    raw_client other(at(*node), keys.as(keys.stranger));
    const auto begin = std::chrono::steady_clock::now();
    const auto calls = shop.invoke_many("bench/echo", 7, 40);
    std::uint64_t hint_us = 0;
    int served = 0;
    for (const auto id : calls) {
        const auto& answer = shop.wait(id, "an echo");
        served += answer.ok ? 1 : 0;
        if (answer.ok) continue;
        CHECK(answer.code == errc::overloaded);
        CHECK_THAT(answer.detail,
                   Contains("\"shop\" may make 1 calls a second at a node, 5 of them "
                            "at once, and has; quota of the allow-list"));
        CHECK(answer.retry_after_us > 0);
        CHECK(answer.retry_after_us <= 1'000'000);
        hint_us = answer.retry_after_us;
    }
    // One more for each second that reading them took.
    const auto seconds = (std::chrono::steady_clock::now() - begin) / 1s;
    CHECK(served >= 5);
    CHECK(served <= 6 + seconds);
    for (int i = 0; i < 40; ++i) CHECK(other.call("bench/echo", i).ok);
    // Whoever waits as long as it was told is served. Another client's call of that length, so that
    // it is the node that has waited.
    other.call("bench/nap", time_us{hint_us + 1});
    CHECK(shop.call("bench/echo", 7).ok);
}

TEST_CASE("a changed quota holds at once for those who are connected, and for calls they have") {
    const keyed_cluster keys;
    const auto node = start_node(keys.secure(node_settings()));
    raw_client shop(at(*node), keys.as(keys.shop));
    auto running = naps(shop, "quota changes", 3);  // before there is any
    const auto list = [&](int most) {
        keys.allow(allowed(keys.shop, "client") +
                   quota_of(keys.shop, "concurrency = " + std::to_string(most)));
    };
    list(3);
    keys.wait_for_list(*node, 1);
    CHECK(shop.call("bench/echo", 7).code == errc::overloaded);
    list(4);
    keys.wait_for_list(*node, 2);
    CHECK(shop.call("bench/echo", 7).ok);
    const auto fourth = naps(shop, "quota changes", 1);
    CHECK(shop.call("bench/echo", 7).code == errc::overloaded);
    list(1);
    keys.wait_for_list(*node, 3);
    wake(shop, fourth);
    CHECK(shop.call("bench/echo", 7).code == errc::overloaded);
    keys.allow(allowed(keys.shop, "client"));
    keys.wait_for_list(*node, 4);
    CHECK(shop.call("bench/echo", 7).ok);
    wake(shop, running);
    CHECK(shop.goaways.empty());
    // A quota for a key that is not there changes nothing.
    keys.allow(allowed(keys.shop, "client") + quota_of(keys.stranger, "concurrency = 1"));
    raw_client(at(*node), keys.as(keys.ops)).wait_for_stat("allow_list_failures", 1);
    CHECK(shop.call("bench/echo", 7).ok);
}

TEST_CASE("what a key has on all lanes counts together, and a connection that ends gives it back") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") + quota_of(keys.shop, "concurrency = 4"));
    auto config = keys.secure(node_settings());
    config.lanes = 2;
    const auto node = start_node(config);
    REQUIRE(node->endpoints().size() == 2);
    raw_client ops(at(*node), keys.as(keys.ops));
    raw_client first(node->endpoints()[0], keys.as(keys.shop));
    {
        raw_client second(node->endpoints()[1], keys.as(keys.shop));
        naps(first, "quota lanes", 2);
        naps(second, "quota lanes", 2);
        ops.await_event("quota lanes in", 4);
        CHECK(first.call("bench/echo", 7).code == errc::overloaded);
        CHECK(second.call("bench/echo", 7).code == errc::overloaded);
    }
    ask_until([&] { return first.call("bench/echo", 7).ok; }, "the second connection's calls");
    raw_client third(node->endpoints()[1], keys.as(keys.shop));
    const auto more = naps(third, "quota lanes", 2);
    CHECK(third.call("bench/echo", 7).code == errc::overloaded);
    wake(third, more);
}

TEST_CASE(
    "a key that leaves the list gives its calls back, and has its whole quota when it returns") {
    const keyed_cluster keys;
    const auto list = allowed(keys.shop, "client") + quota_of(keys.shop, "concurrency = 2");
    keys.allow(list);
    const auto node = start_node(keys.secure(node_settings()));
    raw_client shop(at(*node), keys.as(keys.shop));
    const auto running = naps(shop, "quota leaves", 2);
    CHECK(shop.call("bench/echo", 7).code == errc::overloaded);
    keys.allow({});
    for (const auto id : running) CHECK(shop.wait(id, "a nap").code == errc::unavailable);
    keys.allow(list);
    keys.wait_for_list(*node, 2);
    raw_client again(at(*node), keys.as(keys.shop));
    const auto more = naps(again, "quota leaves", 2);
    CHECK(again.call("bench/echo", 7).code == errc::overloaded);
    wake(again, more);
}

TEST_CASE("a call counts where it came in: not again at the node that runs it, nor what it calls") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") + quota_of(keys.shop, "concurrency = 1"));
    const auto runner = start_node(keys.secure(member_settings("runner")));
    const auto entry = start_node(keys.secure(entry_settings("entry", runner->endpoints())));
    raw_client ops(at(*entry), keys.as(keys.ops));
    ops.wait_for_members({{"runner", "alive"}, {"entry", "alive"}});
    wait_until_callable(ops, "bench/echo");
    raw_client shop(at(*entry), keys.as(keys.shop));
    raw_client beside(at(*runner), keys.as(keys.shop));
    // The place at the runner is taken, and those at the entry come there all the same.
    const auto there = naps(beside, "quota beside", 1);
    CHECK(beside.call("bench/echo", 7).code == errc::overloaded);
    for (int i = 0; i < 5; ++i)
        CHECK(shop.call("faults/pass_on", inner_call{"faults/key_of", "x", "k"}).ok);
    const auto here = naps(shop, "quota here", 1);
    CHECK(shop.call("bench/echo", 7).code == errc::overloaded);
    wake(shop, here);
    CHECK(shop.call("bench/echo", 7).ok);
    wake(beside, there);
    CHECK(ops.stats().at("calls_beyond_quota") == 1);
}

TEST_CASE("a client beyond its quota hears so, and what to do") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") + quota_of(keys.shop, "concurrency = 1"));
    const auto node = start_node(keys.secure(node_settings()));
    raw_client ops(at(*node), keys.as(keys.ops));
    client_options options;
    options.endpoints = {at(*node)};
    options.key_file = keys.files.file("shop.key");
    options.node_key_file = keys.files.file("nodes.pub");
    auto client = dunlin::client::connect(options);
    REQUIRE(client);
    auto running = client->async_invoke<std::string>("faults/block", std::string("quota client"));
    ops.await_event("quota client in");
    const auto refused = client->invoke<int>("bench/echo", 7);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::overloaded);
    CHECK_THAT(refused.error().detail, Contains("quota of the allow-list"));
    CHECK(refused.error().retry_after >= 10ms);
    CHECK(refused.error().retry_after <= 15ms);
    ops.call("faults/happen", std::string("quota client"));
    CHECK(running.get());
    CHECK(client->invoke<int>("bench/echo", 7) == 7);
}

TEST_CASE("a node does not start with a quota for a key that does not exist") {
    const keyed_cluster keys;
    keys.allow(allowed(keys.shop, "client") + quota_of(keys.stranger, "concurrency = 1"));
    const auto why = refusal(keys.secure(node_settings()));
    CHECK_THAT(why, Contains("allow.toml:12:8: a quota for a key that is not in this list"));
}
