// SPDX-License-Identifier: Apache-2.0
//
// The end of a node: what runs is finished or answered, and nothing hangs.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"
#include "tests/support/reserved_port.hpp"

#include <future>

using namespace dunlin;
using namespace dunlin::testing;
using dunlin::tests::reserved_port;
using namespace std::chrono_literals;

namespace {

std::future<std::size_t> stop_beside(runtime::node& node) {
    return std::async(std::launch::async, [&node] { return node.stop(); });
}

}  // namespace

TEST_CASE("a node that waits for a call while it drains sleeps") {
    auto config = node_settings();
    config.lanes = GENERATE(1, 3);
    config.drain_timeout = 60s;
    const auto name = "sleepy drain " + std::to_string(config.lanes);
    const auto node = start_node(config);
    const auto other = start_node();  // keeps the time, and opens the door
    raw_client client(node->endpoints().front());
    raw_client opening(other->endpoints().front());
    // A peer that never says that it has heard of the drain: it is waited for half a second.
    raw_client deaf(node->endpoints().front());
    const auto held = client.invoke("faults/block", name);
    opening.await_event(name + " in");
    auto stopped = stop_beside(*node);
    client.wait_until([&] { return !client.goaways.empty(); }, "the goaway");
    client.barrier();
    CHECK(opening.call("bench/sleep", time_us{700'000}).ok);
    // Turns, not processor time: one that spins yields, and gets little of a machine that is busy.
    const auto turns = [&] { return client.stats().at("turns").get<std::uint64_t>(); };
    const auto before = turns();
    CHECK(opening.call("bench/sleep", time_us{400'000}).ok);
    CHECK(turns() - before < 50 * config.lanes);
    CHECK(opening.call("faults/happen", name).ok);
    CHECK(client.wait(held, "the call that was waited for").ok);
    CHECK(stopped.get() == 0);
}

TEST_CASE("a node that drains finishes what runs and refuses what is new") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    const auto running = client.invoke("faults/block", std::string("drain"));
    client.await_event("drain in");
    auto stopped = stop_beside(*node);
    client.wait_until([&] { return !client.goaways.empty(); }, "the goaway");
    CHECK(client.goaways.front().text() == "unavailable: node under-test is draining");
    CHECK(client.call("bench/echo", 1).text() ==
          "unavailable: node under-test is draining; the call did not run");
    client.barrier();
    raw_client late(node->endpoints().front());
    late.barrier();
    CHECK(late.goaways.size() == 1);
    CHECK(client.is_open(running));
    // The door is opened from outside: both nodes load the same module.
    const auto other = start_node();
    raw_client opening(other->endpoints().front());
    CHECK(opening.call("faults/happen", std::string("drain")).ok);
    CHECK(client.wait(running, "the call that ran when the node was stopped").ok);
    CHECK(stopped.get() == 0);
    CHECK(node->stop() == 0);
}

TEST_CASE("calls in flight are answered when a node's patience ends") {
    auto config = node_settings();
    config.drain_timeout = 50ms;
    config.activations = 1;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    const auto napping = client.invoke("faults/nap_until_stopped", std::string("patience nap"));
    client.await_event("patience nap in");
    const auto blocked = client.invoke("faults/block", std::string("patience"));
    client.await_event("patience in");
    const auto queued = client.invoke("faults/block", std::string("patience"));
    client.barrier();
    auto stopped = stop_beside(*node);
    CHECK(client.wait(napping, "the suspended call").text() ==
          "unavailable: node under-test stopped before faults/nap_until_stopped answered; the "
          "function may have run");
    CHECK_FALSE(client.wait(napping, "the suspended call").did_not_run);
    CHECK(client.wait(blocked, "the running call").code == errc::unavailable);
    CHECK_FALSE(client.wait(blocked, "the running call").did_not_run);
    CHECK(client.wait(queued, "the queued call").text() ==
          "unavailable: node under-test stopped before faults/block started; the call did not run");
    CHECK(client.wait(queued, "the queued call").did_not_run);
    CHECK(stopped.get() == 3);
    const auto other = start_node();
    raw_client opening(other->endpoints().front());
    opening.await_event("patience nap out");
    CHECK(opening.call("faults/happen", std::string("patience")).ok);
    opening.await_event("patience out");
}

TEST_CASE("what a node is asked while it says farewell is answered, by it and at once") {
    auto config = node_settings();
    config.drain_timeout = 0ms;
    const auto node = start_node(config);
    // It is waited for, half a second, to say that it has its answers.
    raw_client deaf(node->endpoints().front());
    raw_client client(node->endpoints().front());
    raw_client leaving(node->endpoints().front());
    const auto napping = client.invoke("faults/nap_until_stopped", std::string("farewell"));
    client.await_event("farewell in");
    auto stopped = stop_beside(*node);
    REQUIRE(client.wait(napping, "the call that the node's end cuts short").code ==
            errc::unavailable);
    const auto own = client.invoke("dunlin/stats", nullptr);
    const auto other = client.invoke("bench/echo", 1);
    client.barrier();
    leaving.send(wire::bye{});  // settles what is open
    for (const auto id : {own, other}) {
        const auto& answer = client.wait(id, "a call that came during the farewell");
        CHECK(answer.text() == "unavailable: node under-test stops; the call did not run");
        CHECK(answer.did_not_run);
        CHECK(client.answers.at(id).size() == 1);
    }
    CHECK(stopped.get() == 1);
}

TEST_CASE("a node whose lane is held by a function stops all the same") {
    auto config = node_settings();
    config.drain_timeout = 0ms;
    auto node = start_node(config);
    raw_client client(node->endpoints().front());
    const auto other = start_node();
    raw_client opening(other->endpoints().front());
    const auto stuck = client.invoke("faults/stay", std::string("held"));
    opening.await_event("held in");
    auto stopped = stop_beside(*node);
    CHECK(client.wait(stuck, "the call that holds the lane").code == errc::unavailable);
    CHECK(stopped.get() == 1);
    CHECK(opening.call("faults/happen", std::string("held")).ok);
    opening.await_event("held out");
    node.reset();
}

TEST_CASE("a sleep that the end of its node cuts short is not taken for slept") {
    auto config = node_settings();
    config.lanes = 2;
    config.drain_timeout = 0ms;
    const auto node = start_node(config);
    raw_client client(node->endpoints()[1]);  // timers live on the other lane
    const auto napping = client.invoke("faults/nap_until_stopped", std::string("short nap"), 0);
    client.await_event("short nap in");
    auto stopped = stop_beside(*node);
    const auto& answer = client.wait(napping, "the call that slept");
    if (answer.ok)
        CHECK(answer.value<std::string>() == "the node stops");
    else
        CHECK(answer.code == errc::unavailable);
    stopped.get();
}

TEST_CASE("an idle node stops at once, and its port is free again") {
    const reserved_port port;
    auto config = node_settings();
    config.listen = port.endpoint();
    config.drain_timeout = 20s;  // nothing to wait for
    auto node = start_node(config);
    const auto began = std::chrono::steady_clock::now();
    const auto in_use = runtime::node::start(config);
    CHECK(std::chrono::steady_clock::now() - began < 10s);
    REQUIRE_FALSE(in_use);
    CHECK(in_use.error().code == errc::unavailable);
    CHECK(in_use.error().detail ==
          "cannot listen on " + config.listen +
              ": the port is in use; stop the other program or choose another port with "
              "--listen (port 0 takes a free one)");
    CHECK(node->stop() == 0);
    node.reset();
    const auto again = start_node(config);
    raw_client client(again->endpoints().front());
    CHECK(client.call("bench/echo", 1).ok);
}
