// SPDX-License-Identifier: Apache-2.0
#include "fake_node.hpp"
#include "plain_sockets.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/no_more_threads.hpp"
#include "tests/support/reserved_port.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using namespace std::chrono_literals;

TEST_CASE("client says where it found no node") {
    const reserved_port vacant;
    const auto& endpoint = vacant.endpoint();
    const auto refused =
        client::connect(client_options{.endpoints = {endpoint}, .connect_timeout = 800ms});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unavailable);
    CHECK(refused.error().detail == "no node answered at " + endpoint + " within 800 ms; last: " +
                                        endpoint + ": connection refused, or no such host");
}

TEST_CASE("client says that a host does not answer at all") {
    // A listener whose queue is full: what arrives is dropped, as by a firewall.
    const silent_port port;
    const auto unanswered =
        client::connect(client_options{.endpoints = {port.endpoint()}, .connect_timeout = 4500ms});
    REQUIRE_FALSE(unanswered);
    CHECK(unanswered.error().detail ==
          "no node answered at " + port.endpoint() + " within 4.5 s; last: " + port.endpoint() +
              ": no answer from that host yet; a firewall may drop what is sent to it");
}

TEST_CASE("client says that what listens does not speak ZeroMQ") {
    const plain_server server("SSH-2.0-OpenSSH_9.2\r\n");
    const auto refused =
        client::connect(client_options{.endpoints = {server.endpoint()}, .connect_timeout = 800ms});
    REQUIRE_FALSE(refused);
    // ZeroMQ may take such a greeting for the first version of its protocol.
    const auto last = "no node answered at " + server.endpoint() +
                      " within 800 ms; last: " + server.endpoint() + ": ";
    CHECK_THAT(
        refused.error().detail,
        Catch::Matchers::Equals(
            last + "what listens there does not speak ZeroMQ, or it wants keys, and none are "
                   "given here: key_file and node_key_file, or --client-key and --node-key") ||
            Catch::Matchers::Equals(last + "the connection was closed before a node answered; "
                                           "perhaps something else listens there"));
}

TEST_CASE("client that is given up while it tries to connect ends") {
    // Without pauses an attempt is due almost always, also when the end comes.
    const reserved_port vacant;
    const auto& endpoint = vacant.endpoint();
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(client::connect(client_options{.endpoints = {endpoint},
                                                   .connect_timeout = 2ms,
                                                   .reconnect_after_min = 0ms,
                                                   .reconnect_after_max = 0ms}));
    }
}

TEST_CASE("client says that something else listens") {
    fake_node mute({.on_hello = fake_node::greeting::silence});
    const auto refused =
        client::connect(client_options{.endpoints = {mute.endpoint()}, .connect_timeout = 1s});
    CHECK(refused.error().code == errc::unavailable);
    CHECK(refused.error().detail == "no node answered at " + mute.endpoint() +
                                        " within 1 s; last: " + mute.endpoint() +
                                        ": something listens there, but no node has answered");
}

TEST_CASE("client says that the machine has no thread for it") {
    const fake_node node;
    const testing::no_more_threads exhausted;
    const auto refused = client::connect(node.endpoint());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == error{errc::unavailable,
                                   "this machine has nothing left for a client: Resource "
                                   "temporarily unavailable"});
}

TEST_CASE("client gives up at once when every node refuses it") {
    const reserved_port vacant;
    fake_node strict({.on_hello = fake_node::greeting::refuse});
    const auto refused = client::connect(strict.endpoint());
    CHECK(refused.error() == error{errc::unauthenticated, "the node at " + strict.endpoint() +
                                                              " refused this client: who?"});
}

TEST_CASE("client uses the first endpoint that answers") {
    const reserved_port vacant;
    fake_node strict({.on_hello = fake_node::greeting::refuse});
    fake_node node;
    auto c = client::connect(
        client_options{.endpoints = {vacant.endpoint(), strict.endpoint(), node.endpoint()}});
    REQUIRE(c);
    CHECK(c->invoke<int>("t/echo", 1).value() == 1);
}

TEST_CASE("client waits for a node that starts later") {
    const reserved_port vacant;
    const auto& endpoint = vacant.endpoint();
    auto connecting = std::async(std::launch::async, [&] {
        return client::connect(client_options{.endpoints = {endpoint}, .connect_timeout = 20s});
    });
    fake_node node({.endpoint = endpoint});
    auto c = connecting.get();
    REQUIRE(c);
    CHECK(c->invoke<int>("t/echo", 1).value() == 1);
}

TEST_CASE("client answers calls in flight when the node vanishes, and finds the next one") {
    const reserved_port port;
    const auto& endpoint = port.endpoint();
    auto node = std::make_unique<fake_node>(fake_node::options{.endpoint = endpoint});
    auto c = connected(*node);
    auto lost = c.async_invoke<int>("t/hold", 1);
    auto waiting = std::async(std::launch::async, [&] { return c.invoke<int>("t/hold", 2); });
    node->wait_for_held(2);
    node.reset();

    const auto expected =
        error{errc::unavailable, "no answer from t/hold, it may have run: lost node fake at " +
                                     endpoint + ": the connection was closed"};
    CHECK(lost.get().error() == expected);
    CHECK(waiting.get().error() == expected);

    const auto held_too_long = c.invoke<int>("t/echo", 3, {.timeout = 30ms});
    CHECK(held_too_long.error().code == errc::unavailable);
    CHECK(held_too_long.error().detail.starts_with("t/echo did not run: no node answered at " +
                                                   endpoint + " within 30 ms; last: " + endpoint));
    auto held = c.async_invoke<int>("t/echo", 4);
    auto held_large = c.async_invoke<bytes>("t/echo", bytes(std::string(200'000, 'x')));
    auto held_waiting = std::async(std::launch::async, [&] { return c.invoke<int>("t/echo", 5); });
    auto cancelled_promise = std::promise<result<int>>();
    c.cancel(c.async_invoke<int>("t/echo", 6, {}, [&](result<int> reply) {
        cancelled_promise.set_value(std::move(reply));
    }));
    CHECK(cancelled_promise.get_future().get().error().code == errc::cancelled);

    fake_node next({.endpoint = endpoint});
    CHECK(held.get().value() == 4);
    CHECK(held_large.get().value().size() == 200'000);
    CHECK(held_waiting.get().value() == 5);
    CHECK(c.stats().reconnects == 1);
}

TEST_CASE("client notices that its node vanished while nobody calls") {
    const reserved_port port;
    const auto& endpoint = port.endpoint();
    auto node = std::make_unique<fake_node>(fake_node::options{.endpoint = endpoint});
    auto c = connected(*node);
    CHECK(c.invoke<int>("t/echo", 1));
    node.reset();
    fake_node next({.endpoint = endpoint});
    next.wait_for([](auto& seen) { return seen.hellos == 1; }, "the client, which nobody used");
    CHECK(c.invoke<int>("t/echo", 2).value() == 2);
}

TEST_CASE("client gives a connection up after a malformed frame") {
    fake_node node;
    auto c = connected(node);
    auto answered = c.async_invoke<int>("t/hold", 1);
    auto lost = c.async_invoke<int>("t/hold", 2);
    const auto held = node.wait_for_held(2).calls;
    const bool parts = GENERATE(false, true);
    node.run_there([&](fake_node& there) {
        if (parts) return there.send_parts(held[0].peer);
        wire::frame_buffer frame;
        append(frame, wire::reply{held[0].id, held[0].payload});
        frame.append("garbage", 7);
        there.send(held[0].peer, frame);
    });
    if (!parts) CHECK(answered.get().value() == 1);
    const auto why = lost.get();
    CHECK(why.error().code == errc::unavailable);
    CHECK(why.error().detail.find("the node sent a malformed frame: ") != std::string::npos);
    CHECK(c.stats().frames_malformed == 1);
    CHECK(c.invoke<int>("t/echo", 3).value() == 3);
    node.wait_for([](auto& seen) { return seen.hellos == 2; }, "a second hello");
}

TEST_CASE("client sends nothing more to a node that leaves, but takes its answers") {
    auto leaving = std::make_unique<fake_node>();
    fake_node other;
    auto c = client::connect(client_options{.endpoints = {leaving->endpoint(), other.endpoint()},
                                            .timeout = 60s})
                 .value();
    auto in_flight = c.async_invoke<int>("t/hold", 1);
    const auto peer = leaving->wait_for_held(1).calls[0].peer;
    leaving->tell(peer, wire::goaway{static_cast<std::int64_t>(errc::unavailable), "stopping"});
    // The goaway makes the client look for another node.
    other.wait_for([](auto& seen) { return seen.hellos == 1; }, "the client");
    CHECK(c.invoke<int>("t/echo", 2).value() == 2);
    CHECK(other.wait_for([](auto& seen) { return seen.invokes == 1; }, "a call").invokes == 1);
    leaving->answer_held();
    CHECK(in_flight.get().value() == 1);
    leaving->wait_for([](auto& seen) { return seen.byes == 1; }, "a bye");
}

TEST_CASE("client spreads its calls over the node's lanes, and does without one that is lost") {
    auto second = std::make_unique<fake_node>();
    fake_node first({.other_lanes = {second->endpoint()}});
    auto c = connected(first);
    second->wait_for([](auto& seen) { return seen.hellos == 1; }, "a hello on the second lane");
    // Its welcome is on the way; from then on both lanes have their share.
    while (second->wait_for([](auto&) { return true; }, "").invokes < 5) {
        REQUIRE(c.invoke<int>("t/echo", 1));
    }
    second.reset();
    int answered = 0;
    for (int i = 0; i < 50; ++i) {
        if (c.invoke<int>("t/echo", i)) ++answered;
    }
    CHECK(answered >= 48);
}

TEST_CASE("client takes answers only from the connection that the call went to") {
    fake_node second;
    fake_node first({.other_lanes = {second.endpoint()}});
    auto c = connected(first);
    const auto held = [](fake_node& node) {
        return node.wait_for([](auto&) { return true; }, "").calls;
    };
    // One call at a time, until each lane has one.
    std::vector<std::future<result<int>>> calls;
    while (held(first).empty() || held(second).empty()) {
        calls.push_back(c.async_invoke<int>("t/hold", static_cast<int>(calls.size())));
        while (held(first).size() + held(second).size() < calls.size()) std::this_thread::yield();
    }
    // The second lane answers a call of the first: nobody believes it.
    const auto lie_about = held(first)[0].id;
    const auto peer = held(second)[0].peer;
    const auto honest = decode<std::size_t>(held(second)[0].payload).value();
    second.tell(peer, wire::failure{lie_about, 11, "a lie", 0});
    second.answer_held();
    // The answer that follows the lie on its connection.
    calls[honest].wait();
    first.answer_held();
    for (std::size_t i = 0; i < calls.size(); ++i) {
        CHECK(calls[i].get().value() == static_cast<int>(i));
    }
}
