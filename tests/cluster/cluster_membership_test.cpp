// SPDX-License-Identifier: Apache-2.0
//
// How nodes come together and part, and what they refuse.
#include "tests/cluster/cluster_harness.hpp"
#include "tests/cluster/fake_peer.hpp"
#include "tests/support/reserved_port.hpp"

#include <random>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;
using dunlin::tests::reserved_port;
using namespace std::chrono_literals;

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

TEST_CASE("a node to join that speaks another version of the protocol is named, with what to try") {
    const fake_peer newer([](wire::frame_buffer& back, const wire::frame_reader&) {
        wire::append(back, wire::goaway{static_cast<std::int64_t>(errc::unauthenticated),
                                        "no common protocol version: this node speaks 2 to 3, the "
                                        "peer 1 to 1"});
    });
    auto why = refusal(member_settings("n1", {newer.endpoint()}));
    CHECK_THAT(why, Catch::Contains("cannot join " + newer.endpoint() +
                                    ": no common protocol version: this node speaks 2 to 3"));
    CHECK(newer.hellos() == 1);

    // One that takes no notice of what the hello says.
    const fake_peer careless([](wire::frame_buffer& back, const wire::frame_reader&) {
        wire::welcome welcome;
        welcome.version = 2;
        welcome.node = "careless";
        welcome.cluster = "under test";
        welcome.instance = 77;
        wire::append(back, welcome);
    });
    why = refusal(member_settings("n1", {careless.endpoint()}));
    CHECK_THAT(why, Catch::Contains("cannot join " + careless.endpoint() +
                                    ": it speaks version 2 of the protocol, this node version 1"));
    CHECK_THAT(why, Catch::Contains("run releases of Dunlin on both that share a version"));
}

TEST_CASE("a node is joined through any of its lanes") {
    auto config = member_settings("many");
    config.lanes = 3;
    const auto many = start_node(config);
    const auto& lane = many->endpoints()[GENERATE(0, 1, 2)];
    const auto other = start_node(member_settings("joins", {lane}));
    wait_until_together({many.get(), other.get()});
}

TEST_CASE("nodes with different numbers of lanes gossip, and call each other over every lane") {
    auto config = member_settings("worker");
    config.lanes = GENERATE(1, 3);
    const auto worker = start_node(config);
    config = entry_settings("entry", {at(*worker)});
    config.lanes = worker->endpoints().size() == 1 ? 3 : 2;
    const auto entry = start_node(config);
    wait_until_together({worker.get(), entry.get()});
    for (const auto& endpoint : entry->endpoints()) {
        raw_client client(endpoint);
        wait_until_callable(client, "bench/echo");
        for (int i = 0; i < 20; ++i) CHECK(client.call("bench/echo", i).value<int>() == i);
    }
    raw_client client(at(*worker));
    CHECK(client.function("bench/echo").at("invocations") >= 40);
}

TEST_CASE("a node that has joined can call at once what the others serve") {
    const auto worker = start_node(member_settings("worker"));
    for (int round = 0; round < 10; ++round) {
        auto config = entry_settings("entry-" + std::to_string(round), {at(*worker)});
        config.lanes = 2;
        const auto entry = start_node(config);
        for (const auto& endpoint : entry->endpoints()) {
            raw_client client(endpoint);
            CHECK(client.call("bench/echo", round).text() == "ok");
        }
    }
}

TEST_CASE("a module's version that is too long for the wire is told as far as it fits") {
    auto config = member_settings("worker");
    config.modules = {module_file("long_version")};
    const auto worker = start_node(config);
    raw_client told(at(*worker), raw_client::greeting::cluster);
    told.wait_until([&] { return told.catalog.count("long_version/greet") != 0; }, "the catalog");
    CHECK(told.catalog["long_version/greet"] == std::string(255, '7'));
    // Those who ask for it all get it all, and other nodes can call the function.
    CHECK(told.function("long_version/greet").at("module_version") == std::string(300, '7'));
    const auto entry = start_node(entry_settings("entry", {at(*worker)}));
    raw_client client(at(*entry));
    wait_until_callable(client, "long_version/greet");
    CHECK(client.call("long_version/greet", std::string("you")).value<std::string>() ==
          "hello you");
    CHECK(told.stats().at("frames_malformed") == 0);
    CHECK(client.stats().at("frames_malformed") == 0);
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
