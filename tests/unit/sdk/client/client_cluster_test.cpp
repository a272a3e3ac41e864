// SPDX-License-Identifier: Apache-2.0
//
// A client of several nodes: whom it knows, and who gets its calls.
#include "fake_cluster.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <future>
#include <set>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using namespace std::chrono_literals;

TEST_CASE("client sends calls that are started together in few frames, to every node") {
    fake_cluster cluster(3);
    auto c = cluster.connected({.in_flight_max = 512});
    constexpr int calls = 20'000;
    CHECK(echo_in_window(c, 300, calls) == calls);
    CHECK(c.stats().frames_sent < calls / 4);
    for (std::size_t node = 0; node < 3; ++node) CHECK(cluster.invokes(node) > calls / 20);
    CHECK(c.node() == "n1");
    CHECK(c.stats().failures == 0);
}

TEST_CASE("client uses at most so many nodes, and replaces one that dies") {
    fake_cluster cluster(5);
    auto c = cluster.connected({.nodes_max = 2});
    std::vector<std::size_t> used;
    wait_until(
        [&] {
            used.clear();
            REQUIRE(c.invoke<int>("t/echo", 1).value() == 1);
            for (std::size_t i = 0; i < 5; ++i) {
                const auto seen = cluster.seen(i);
                if (seen.hellos > seen.byes) used.push_back(i);
            }
            return used.size() == 2;
        },
        "it never keeps to two nodes");
    cluster.kill(used[0]);
    cluster.tell();
    cluster.wait_for_nodes(c, 2);
    CHECK(c.invoke<int>("t/echo", 2).value() == 2);
}

TEST_CASE("client hands its calls to the others at once when a node leaves, after its last one") {
    fake_cluster cluster(3);
    auto c = cluster.connected();
    std::atomic<int> wrong{0};
    std::atomic<int> answered{0};
    std::atomic<int> open{0};
    std::atomic<bool> ending{false};
    std::promise<void> done;
    std::function<void()> next = [&] {
        ++open;
        c.async_invoke<int>("t/echo", 5, {}, [&](const result<int>& reply) {
            if (!reply || *reply != 5) ++wrong;
            ++answered;
            if (!ending) next();
            if (--open == 0) done.set_value();
        });
    };
    for (int i = 0; i < 64; ++i) next();
    wait_until([&] { return answered > 1000 && cluster.invokes(1) > 100; }, "calls go round");
    cluster[1].say_goaway();
    const auto left = cluster[1].wait_for([](auto& seen) { return seen.pongs == 1; }, "a pong");
    CHECK(left.log.back() == "pong");
    const auto at_pong = left.invokes;
    const int then = answered;
    wait_until([&] { return answered > then + 1000; }, "calls go on");
    CHECK(cluster.invokes(1) == at_pong);
    cluster[1].wait_for([](auto& seen) { return seen.byes == 1; }, "a bye");
    ending = true;
    done.get_future().wait();
    CHECK(wrong == 0);
}

TEST_CASE("client finds its way back when all nodes are gone, by any it knew") {
    fake_cluster cluster(2);
    auto c = cluster.connected();
    const auto second = cluster[1].endpoint();
    cluster.kill(0);
    cluster.kill(1);
    cluster.wait_for_nodes(c, 0);
    auto held = c.async_invoke<int>("t/echo", 3);
    // Not at the endpoint that the user gave, and another process.
    fake_node again({.endpoint = second, .name = "n2", .cluster = "fakes", .instance = 202});
    CHECK(held.get().value() == 3);
}

TEST_CASE("client says which cluster it wants, and takes no other") {
    fake_cluster cluster(1);
    auto c = cluster.connected({.cluster = "fakes"});
    CHECK(cluster.seen(0).cluster == "fakes");
    const auto other =
        client::connect({.endpoints = {cluster[0].endpoint()}, .cluster = "production"});
    CHECK(other.error() == error{errc::unauthenticated,
                                 "the node at " + cluster[0].endpoint() +
                                     " belongs to cluster fakes, this client wants production"});
    fake_node alone;
    CHECK(client::connect({.endpoints = {alone.endpoint()}, .cluster = "production"})
              .error()
              .detail == "the node at " + alone.endpoint() +
                             " belongs to no cluster, this client wants production");
}

TEST_CASE("client names itself in its calls to a cluster, and not to one node or an old one") {
    fake_cluster cluster(2);
    auto c = cluster.connected();
    std::vector<std::future<result<int>>> calls;
    for (int i = 0; i < 8; ++i) calls.push_back(c.async_invoke<int>("t/hold", i));
    std::set<std::uint64_t> origins;
    std::set<std::uint64_t> ids;
    std::size_t seen = 0;
    wait_until([&] { return cluster.invokes(0) + cluster.invokes(1) == calls.size(); },
               "the nodes never had all calls");
    for (std::size_t node = 0; node < 2; ++node) {
        for (const auto& each : cluster.seen(node).calls) {
            ++seen;
            origins.insert(each.origin);
            ids.insert(each.origin_id);
        }
        cluster[node].answer_held();
    }
    CHECK(seen == calls.size());
    CHECK(origins.size() == 1);
    CHECK(origins.count(0) == 0);
    CHECK(ids.size() == calls.size());
    for (auto& each : calls) CHECK(each.get());

    fake_cluster lone(1);
    auto one = lone.connected();
    auto alone = one.async_invoke<int>("t/hold", 1);
    CHECK(lone[0].wait_for_held(1).calls[0].origin == 0);
    CHECK(lone[0].wait_for_held(1).calls[0].retries_left > 0);
    lone[0].answer_held();
    CHECK(alone.get());

    fake_node old;
    auto d = client::connect(old.endpoint()).value();
    auto plain = d.async_invoke<int>("t/hold", 1);
    CHECK(old.wait_for_held(1).calls[0].origin == 0);
    old.answer_held();
    CHECK(plain.get());
}

TEST_CASE(
    "client tells the nodes how often they may try again, whether it knows of others or not") {
    fake_cluster cluster(2);
    client_options options;
    options.endpoints = {cluster[0].endpoint()};
    options.learn_members = false;
    auto c = client::connect(std::move(options)).value();
    auto held = c.async_invoke<int>("t/hold_again", 1);
    CHECK(cluster[0].wait_for_held(1).calls[0].retries_left == 2);
    cluster[0].answer_held();
    CHECK(held.get());
}
