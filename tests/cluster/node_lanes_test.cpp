// SPDX-License-Identifier: Apache-2.0
//
// Lanes beside functions that take their time, callers that leave, and callers that do not read.
#include "tests/cluster/cluster_harness.hpp"
#include "tests/cluster/raw_client.hpp"
#include "tests/support/no_more_threads.hpp"

#include <dunlin/client.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

bool has_ipv6_loopback() {
    const int descriptor = ::socket(AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    const bool bound =
        ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(descriptor);
    return bound;
}

}  // namespace

TEST_CASE("each of several lanes serves every function, and the welcome names them all") {
    auto config = node_settings();
    config.lanes = 2;
    const auto node = start_node(config);
    REQUIRE(node->endpoints().size() == 2);
    CHECK(node->endpoints()[0] != node->endpoints()[1]);
    raw_client first(node->endpoints()[0]);
    raw_client second(node->endpoints()[1]);
    CHECK(first.welcomes.front().endpoints == node->endpoints());
    CHECK(second.welcomes.front().endpoints == node->endpoints());
    CHECK(first.call("bench/echo", 1).ok);
    CHECK(second.call("bench/echo", 2).value<int>() == 2);
    // Timers live on one of the lanes: both have to reach them.
    CHECK(first.call("bench/nap", time_us{1000}).ok);
    CHECK(second.call("bench/nap", time_us{1000}).ok);
    CHECK(second.stats().at("lanes") == 2);
    CHECK(second.stats().at("peers_connected") == 2);
}

TEST_CASE("an idle node of several lanes sleeps, alone and as a member") {
    auto config = member_settings("a");
    config.lanes = 4;
    const auto node = start_node(config);
    std::unique_ptr<runtime::node> other;
    if (GENERATE(false, true)) {
        auto joining = member_settings("b", node->endpoints());
        joining.lanes = 4;
        other = start_node(joining);
        wait_until_together({node.get(), other.get()});
    }
    const auto clock = start_node();  // one that waits without a turn of those that are looked at
    raw_client waiting(at(*clock));
    raw_client client(at(*node));
    // Turns, not processor time: one that spins gets little of a machine that is busy.
    const auto turns = [&] { return client.stats().at("turns").get<std::uint64_t>(); };
    const auto before = turns();
    CHECK(waiting.call("bench/sleep", time_us{1'000'000}).ok);
    // Membership probes ten times a second, links are asked once; a spinning lane turns 10,000
    // times.
    CHECK(turns() - before < 500);
}

TEST_CASE("a client reaches every lane of a node that listens on every interface") {
    auto config = node_settings();
    config.listen = GENERATE("tcp://0.0.0.0:0", "tcp://*:0");
    config.insecure = true;
    config.lanes = 2;
    const auto node = start_node(config);
    const auto& named = node->endpoints().front();
    const auto port = named.substr(named.rfind(':'));
    auto client = dunlin::client::connect("tcp://127.0.0.1" + port);
    REQUIRE(client);
    raw_client watching("tcp://127.0.0.1" + port);
    watching.wait_for_stat("peers_connected", 3);  // two lanes of the client, and this one
    for (int i = 0; i < 100; ++i) CHECK(client->invoke<int>("bench/echo", i) == i);
    CHECK(watching.stats().at("peers_connected") == 3);
}

TEST_CASE("a node listens on IPv6 addresses, with every lane") {
    if (!has_ipv6_loopback()) {
        WARN("not tested: this machine has no ::1");
        return;
    }
    auto config = node_settings();
    config.listen = GENERATE("tcp://[::1]:0", "tcp://[::]:0");
    config.insecure = true;
    config.lanes = 2;
    const auto node = start_node(config);
    const auto& named = node->endpoints().front();
    const auto reached = "tcp://[::1]" + named.substr(named.rfind(':'));
    auto client = dunlin::client::connect(reached);
    INFO(named << (client ? "" : client.error().detail));
    REQUIRE(client);
    raw_client watching(reached);
    watching.wait_for_stat("peers_connected", 3);  // two lanes of the client, and this one
    for (int i = 0; i < 100; ++i) CHECK(client->invoke<int>("bench/echo", i) == i);
}

TEST_CASE("a node listens on localhost by its name") {
    auto config = node_settings();
    config.listen = "tcp://localhost:0";
    const auto node = start_node(config);
    CHECK(node->endpoints().front().starts_with("tcp://127.0.0.1:"));
    CHECK(raw_client(node->endpoints().front()).call("bench/echo", 1).ok);
}

TEST_CASE("answers of many short calls leave while others of their frame still run") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    raw_client watching(node->endpoints().front());
    const auto sent = [&] { return watching.stats().at("frames_sent").get<std::uint64_t>(); };
    const auto frames_before = sent();
    constexpr int calls = 200;  // 20 ms of work, and not enough to fill a frame with answers
    client.invoke_many("bench/spin", time_us{100}, calls);
    client.wait_until([&] { return client.answers.size() == calls; }, "all answers");
    // One for each millisecond or so, not one for all.
    CHECK(sent() - frames_before >= 5);
}

TEST_CASE("a function that turns out long moves off the lane, and short ones stay quick") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    CHECK(client.function("bench/spin").at("placement") == "lane");
    CHECK(client.call("bench/spin", time_us{5000}).ok);
    CHECK(client.function("bench/spin").at("placement") == "scheduler");
    CHECK(client.function("bench/echo").at("placement") == "lane");
    const auto spinning = client.invoke("bench/spin", time_us{1'200'000}, 1'000'000);
    for (int i = 0; i < 20; ++i) CHECK(client.call("bench/echo", i).ok);
    CHECK(client.is_open(spinning));
    CHECK(client.wait(spinning, "the deadline of the call that spins").code ==
          errc::deadline_exceeded);
}

TEST_CASE("the calls that waited for a function that turned out long leave the lane as well") {
    auto config = node_settings();
    config.activations = 1;
    config.lane_hold_max = std::chrono::hours(1);  // nobody takes the lane over
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    // The first measures the function; the others wait in its queue meanwhile.
    client.invoke_many("bench/spin", time_us{3000}, 50);
    CHECK(client.wait(client.invoke("bench/echo", 1), "an echo beside the calls that spin").ok);
    CHECK(client.answers.size() - 1 < 25);  // of those that spin
    client.wait_until([&] { return client.answers.size() == 51; }, "all calls");
}

TEST_CASE("a machine that gives no more threads delays calls and loses none") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    CHECK(client.call("bench/echo", 1).ok);  // everything has the threads it needs now
    const testing::no_more_threads exhausted;
    const auto blocking = client.invoke("bench/sleep", time_us{1000});
    const auto holding = client.invoke("bench/spin", time_us{30'000});
    const auto behind = client.invoke("bench/echo", 2);
    CHECK(client.wait(blocking, "a blocking call without a thread").text() == "ok");
    CHECK(client.wait(holding, "the call that holds the lane").text() == "ok");
    CHECK(client.wait(behind, "the call behind it").text() == "ok");
}

TEST_CASE("a function stuck on the lane does not stop other calls") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    const auto stuck = client.invoke("faults/stay", std::string("stuck"));
    client.await_event("stuck in");
    CHECK(client.call("bench/echo", 1).ok);
    CHECK(client.is_open(stuck));
    CHECK(client.stats().at("takeovers") >= 1);
    CHECK(client.function("faults/stay").at("placement") == "scheduler");
    CHECK(client.call("faults/happen", std::string("stuck")).ok);
    CHECK(client.wait(stuck, "the call that was stuck").value<std::string>() == "stuck");
    client.barrier();
    CHECK(client.answers.at(stuck).size() == 1);
}

TEST_CASE("what a function asks for stays on its lane, whatever holds the first one") {
    auto config = node_settings();
    config.lanes = 3;
    config.lane_hold_max = std::chrono::hours(1);  // nobody takes a lane over
    const auto node = start_node(config);
    raw_client first(node->endpoints().at(0));
    raw_client other(node->endpoints().at(1));
    CHECK(other.function("bench/nap").at("placement") == "lane");
    const auto holding = first.invoke("faults/stay", std::string("the first lane"));
    other.await_event("the first lane in");
    // A timer, and the timers of an inner call.
    CHECK(other.call("bench/nap", time_us{1000}).ok);
    CHECK(other.call("faults/pass_on", inner_call{"faults/remaining", "", ""}).ok);
    CHECK(first.is_open(holding));
    CHECK(other.call("faults/happen", std::string("the first lane")).ok);
    CHECK(first.wait(holding, "the call that held the first lane").ok);
}

TEST_CASE("several functions stuck on the lane one after another are each left behind") {
    auto config = node_settings();
    config.activations = 8;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    // One frame: all of them are on the lane before the first is found out.
    const auto stuck = client.invoke_many("faults/stay", std::string("row"), 4);
    for (int i = 0; i < 100; ++i) CHECK(client.call("bench/echo", i).ok);
    CHECK(client.stats().at("takeovers") >= 1);
    CHECK(client.call("faults/happen", std::string("row")).ok);
    for (const auto id : stuck) CHECK(client.wait(id, "a call that was stuck").ok);
}

TEST_CASE("a blocking function does not delay others") {
    auto config = node_settings();
    config.lane_hold_max = std::chrono::hours(1);  // nobody would take the lane over
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    std::vector<std::uint64_t> blocked;
    for (int i = 0; i < 4; ++i)
        blocked.push_back(client.invoke("faults/block", std::string("aside")));
    for (int i = 0; i < 100; ++i) CHECK(client.call("bench/echo", i).ok);
    for (const auto id : blocked) CHECK(client.is_open(id));
    CHECK(client.call("faults/happen", std::string("aside")).ok);
    for (const auto id : blocked) CHECK(client.wait(id, "a blocking call").ok);
}

TEST_CASE("a queued, a running and a suspended call can be cancelled") {
    auto config = node_settings();
    config.activations = 1;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    const auto running = client.invoke("faults/block", std::string("cancel"));
    client.await_event("cancel in");
    const auto queued = client.invoke("faults/block", std::string("cancel"));
    const auto suspended = client.invoke("faults/nap_until_stopped", std::string("cancel nap"));
    client.await_event("cancel nap in");
    client.send(wire::cancel{running}, wire::cancel{queued}, wire::cancel{suspended},
                wire::cancel{4711});
    for (const auto id : {running, suspended}) {
        const auto& answer = client.wait(id, "a cancelled call");
        CHECK(answer.text() == "cancelled: the caller withdrew the call");
        CHECK_FALSE(answer.did_not_run);
    }
    CHECK(client.wait(queued, "the queued call").text() ==
          "cancelled: the caller withdrew the call before it began");
    CHECK(client.wait(queued, "the queued call").did_not_run);
    client.await_event("cancel nap out");
    CHECK(client.call("faults/happen", std::string("cancel")).ok);
    client.await_event("cancel out");
    client.barrier();
    for (const auto id : {running, queued, suspended}) CHECK(client.answers.at(id).size() == 1);
    CHECK(client.call("faults/happen", std::string("cancel")).ok);
    const auto crossing = client.make("faults/nap_until_stopped", std::string("crossing"));
    client.send(crossing, wire::cancel{crossing.id});
    CHECK(client.wait(crossing.id, "a call cancelled in its own frame").code == errc::cancelled);
}

TEST_CASE("a stop callback that waits does not hold the lane") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    const auto id = client.invoke("faults/wait_in_stop_callback", std::string("door"));
    client.await_event("door in");
    client.send(wire::cancel{id});
    CHECK(client.wait(id, "the cancelled call").code == errc::cancelled);
    // The author's callback is inside and stays there; everybody else is served.
    client.await_event("door called");
    for (int i = 0; i < 10; ++i) CHECK(client.call("bench/echo", i).value<int>() == i);
    CHECK(client.call("faults/happen", std::string("door")).ok);
    client.await_event("door left");
}

TEST_CASE("threads that were left behind end with their functions") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    const auto threads = [] {
        const std::filesystem::directory_iterator tasks("/proc/self/task");
        return std::distance(begin(tasks), end(tasks));
    };
    const auto before = threads();
    constexpr int times = 6;
    for (int i = 0; i < times; ++i) {
        // Short ones first, so that it is on the lane again.
        while (client.function("faults/stay").at("placement") != "lane") {
            const auto quick = "quick" + std::to_string(i);
            REQUIRE(client.call("faults/happen", quick).ok);
            REQUIRE(client.call("faults/stay", quick).ok);
        }
        const auto name = "slow" + std::to_string(i);
        const auto id = client.invoke("faults/stay", name);
        client.await_event(name + " in");  // the lane was taken over, or this would not be heard
        REQUIRE(client.call("faults/happen", name).ok);
        CHECK(client.wait(id, "the slow call").ok);
    }
    CHECK(client.stats().at("takeovers") >= times);
    // Their memory is gone as well: an ended thread that nobody joins would still be mapped.
    client.wait_until([&] { return threads() <= before + 2; },
                      "the end of the threads left behind");
}

TEST_CASE("a client that vanishes, or says bye, has its calls stopped") {
    const bool vanishes = GENERATE(true, false);
    const std::string event = vanishes ? "vanish" : "bye";
    const auto node = start_node();
    raw_client watching(node->endpoints().front());
    auto leaving = std::make_unique<raw_client>(node->endpoints().front());
    leaving->invoke("faults/nap_until_stopped", event, 0);
    watching.await_event(event + " in");
    CHECK(watching.stats().at("peers") == 2);
    if (vanishes)
        leaving.reset();
    else
        leaving->send(wire::bye{});
    watching.await_event(event + " out");
    CHECK(watching.stats().at("peers") == 1);
    CHECK(watching.stats().at("calls_open") <= 1);  // this one
}

TEST_CASE("a client that does not read is given up, and others are served meanwhile") {
    auto config = node_settings();
    config.backlog_bytes_max = 4u << 20;
    const auto node = start_node(config);
    raw_client watching(node->endpoints().front());
    raw_client slow(node->endpoints().front(), raw_client::greeting::hello, 1);
    std::uint64_t asked = 0;
    while (watching.stats().at("peers_slow_dropped") == 0) {
        INFO("asked for MiB: " << asked);
        REQUIRE(++asked < 200);
        slow.invoke("faults/large", 1u << 20);
        CHECK(watching.call("bench/echo", 1).ok);
    }
    CHECK(watching.stats().at("peers") == 1);
    CHECK(watching.call("bench/echo", 1).ok);
}

TEST_CASE("a client that reads slowly gets every answer") {
    const auto node = start_node();
    raw_client watching(node->endpoints().front());
    raw_client slow(node->endpoints().front(), raw_client::greeting::hello, 1);
    constexpr std::size_t calls = 48;
    for (std::size_t i = 0; i < calls; ++i) slow.invoke("faults/large", 1u << 20);
    // All have run before the first answer is read.
    watching.wait_for_stat("replies_sent", calls);
    slow.wait_until([&] { return slow.answers.size() == calls; }, "48 MiB of answers");
    slow.barrier();
    for (const auto& [id, answers] : slow.answers) CHECK(answers.size() == 1);
    CHECK(watching.stats().at("peers_slow_dropped") == 0);
}
