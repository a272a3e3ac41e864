// SPDX-License-Identifier: Apache-2.0
//
// How nodes come together and part, and what they refuse.
#include "tests/cluster/cluster_harness.hpp"
#include "tests/support/reserved_port.hpp"

#include <future>
#include <random>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;
using dunlin::tests::reserved_port;
using namespace std::chrono_literals;

namespace {

std::string refusal(runtime::node_config config) {
    const auto started = runtime::node::start(std::move(config));
    return started ? "" : std::string(to_string(started.error()));
}

wire::hello hello_of_node(std::string_view name, std::uint64_t instance) {
    wire::hello hello;
    hello.role = wire::peer_role::node;
    hello.features = wire::features::cluster;
    hello.name = name;
    hello.cluster = "under test";
    hello.instance = instance;
    return hello;
}

}  // namespace

TEST_CASE("nodes find each other through any one of them") {
    const auto first = start_node(member_settings("n1"));
    const auto second = start_node(member_settings("n2", {at(*first)}));
    const auto third = start_node(member_settings("n3", {at(*second)}));
    wait_until_together({first.get(), second.get(), third.get()});
}

TEST_CASE("a node that stops leaves, and the others know that it did not die") {
    const auto first = start_node(member_settings("n1"));
    {
        const auto second = start_node(member_settings("n2", {at(*first)}));
        wait_until_together({first.get(), second.get()});
    }
    raw_client client(at(*first));
    client.wait_for_members({{"n1", "alive"}, {"n2", "left"}});
    CHECK(client.stats().at("members_died") == 0);
}

TEST_CASE("a node that nobody answers serves alone and joins later") {
    const reserved_port port;
    auto config = member_settings("n2", {port.endpoint()});
    config.join_timeout = 1ms;
    const auto second = start_node(config);
    config = member_settings("n1");
    config.listen = port.endpoint();
    const auto first = start_node(config);
    wait_until_together({first.get(), second.get()});
}

TEST_CASE("a node of another cluster is refused, and says which is which") {
    const auto node = start_node(member_settings("n1"));
    auto config = member_settings("n2", {at(*node)});
    config.cluster = "other";
    const auto why = refusal(config);
    CHECK(why.find("cannot join " + at(*node)) != std::string::npos);
    CHECK(why.find("belongs to the cluster \"under test\", not to \"other\"") != std::string::npos);
    raw_client client(at(*node));
    client.wait_for_members({{"n1", "alive"}});
}

TEST_CASE("two clusters that were told of each other stay two") {
    const auto node = start_node(member_settings("n1"));
    auto config = member_settings("n2");
    config.cluster = "other";
    const auto other = start_node(config);
    raw_client impostor(at(*other), raw_client::greeting::none);
    impostor.send(hello_of_node("n1", 77));
    impostor.wait_until([&] { return !impostor.goaways.empty(); }, "a goaway");
    CHECK(impostor.goaways.front().code == errc::unauthenticated);
    raw_client client(at(*other));
    client.wait_for_members({{"n2", "alive"}});
}

TEST_CASE("a name that a living member has is refused to another node") {
    const auto first = start_node(member_settings("n1"));
    const auto second = start_node(member_settings("n2", {at(*first)}));
    wait_until_together({first.get(), second.get()});
    const auto why = refusal(member_settings("n2", {at(*first)}));
    CHECK(why.find("the name n2 is taken by the member at " + at(*second)) != std::string::npos);
    CHECK(why.find("--name") != std::string::npos);
    CHECK(refusal(member_settings("n1", {at(*first)})).find("is taken") != std::string::npos);
}

TEST_CASE("a node that is told to join itself serves alone") {
    const reserved_port port;
    auto config = member_settings("n1", {port.endpoint()});
    config.listen = port.endpoint();
    config.join_timeout = 1ms;
    const auto node = start_node(config);
    raw_client client(at(*node));
    client.wait_for_members({{"n1", "alive"}});
    CHECK(client.call("bench/echo", 1).ok);
}

TEST_CASE("an endpoint to join that is none is refused before anything is opened") {
    CHECK(refusal(member_settings("n1", {"tcp://127.0.0.1"})).find("cannot join") !=
          std::string::npos);
    CHECK(refusal(member_settings("n1", {"udp://127.0.0.1:7"})).find("tcp://") !=
          std::string::npos);
}

TEST_CASE("what a broken peer gossips is refused and counted, and hurts nobody") {
    const auto node = start_node(member_settings("n1"));
    raw_client broken(at(*node), raw_client::greeting::none);
    broken.send(hello_of_node("n9", 99));
    std::mt19937 random(7);
    std::string noise;
    for (int i = 0; i < 500; ++i) {
        noise.resize(random() % 300);
        for (auto& each : noise) each = static_cast<char>(random());
        broken.send(wire::gossip{as_bytes(noise)});
    }
    raw_client client(at(*node));
    client.wait_for_stat("membership_messages_refused", 400);
    CHECK(client.call("bench/echo", 1).ok);
}

TEST_CASE("gossip of those who are no nodes is not heard") {
    const auto node = start_node(member_settings("n1"));
    raw_client client(at(*node));
    client.send(wire::gossip{as_bytes("\xc1")});
    client.barrier();
    CHECK(client.stats().at("membership_messages_refused") == 0);
}
