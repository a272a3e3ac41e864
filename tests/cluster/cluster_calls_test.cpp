// SPDX-License-Identifier: Apache-2.0
//
// Calls in a cluster: they run where the function is, or where it is free, wherever they come in.
#include "cluster/rendezvous.hpp"
#include "tests/cluster/cluster_harness.hpp"
#include "tests/cluster/fake_peer.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

/// What `bench/relay` takes and tells.
struct plan {
    std::string function;
    std::uint32_t calls = 1;
    std::uint32_t payload = 1;
    DUNLIN_FIELDS(function, calls, payload)
};

struct report {
    std::uint32_t calls = 0;
    std::uint32_t errors = 0;
    DUNLIN_FIELDS(calls, errors)
};

/// One node that serves, and one that only lets calls in.
struct entry_and_worker {
    std::unique_ptr<runtime::node> worker = start_node(member_settings("worker"));
    std::unique_ptr<runtime::node> entry = start_node(entry_settings("entry", {at(*worker)}));
    raw_client client{at(*entry)};
    raw_client beside{at(*worker)};

    entry_and_worker() { wait_until_callable(client, "bench/echo"); }
};

}  // namespace

TEST_CASE("a call runs on the node that serves its function, whichever it is sent to") {
    entry_and_worker nodes;
    CHECK(nodes.client.call("bench/echo", std::string("there")).value<std::string>() == "there");
    CHECK(nodes.client.call("faults/throw_error", std::string("oh")).text() == "failed: oh");
    CHECK(nodes.client.call("no/such", 1).code == errc::not_found);
    CHECK(nodes.client.stats().at("calls_forwarded") >= 2);
}

TEST_CASE(
    "the caller of a function that runs on another node sees that its call paid for a start") {
    entry_and_worker nodes;
    client_options options;
    options.endpoints = {at(*nodes.entry)};
    options.learn_members = false;
    auto caller = client::connect(std::move(options));
    REQUIRE(caller);
    std::uint64_t paid = 0;
    for (int i = 0; i < 100; ++i) {
        call_info info;
        const std::uint32_t size = i % 2 == 0 ? 10 : 20'000;  // large ones are not copied
        const auto reply = caller->invoke<std::string>("faults/large", size, {.info = &info});
        REQUIRE(reply);
        REQUIRE(reply->size() == size);
        if (i == 0) CHECK(info.cold_start);
        paid += info.cold_start ? 1 : 0;
    }
    CHECK(caller->stats().cold_starts == paid);
    CHECK(nodes.beside.function("faults/large").at("cold_calls") == paid);
}

TEST_CASE("calls run on another node however long its lanes and those here wait awake") {
    using times = std::pair<std::chrono::microseconds, std::chrono::microseconds>;
    const auto awake_max = GENERATE(times(0us, 0us), times(10ms, 0us), times(0us, 10ms));
    const auto waiting = [&](runtime::node_config settings) {
        settings.busy_poll = awake_max.first;
        settings.idle_poll = awake_max.second;
        return settings;
    };
    const auto worker = start_node(waiting(member_settings("worker")));
    const auto entry = start_node(waiting(entry_settings("entry", {at(*worker)})));
    raw_client client{at(*entry)};
    wait_until_callable(client, "bench/echo");
    for (int i = 0; i < 100; ++i) REQUIRE(client.call("bench/echo", i).value<int>() == i);
    CHECK(client.stats().at("calls_forwarded") >= 100);
}

TEST_CASE("a call takes its key, its trace and the rest of its time along to another node") {
    entry_and_worker nodes;
    const auto keyed = nodes.client.invoke_keyed("faults/key_of", "k1", std::string());
    CHECK(nodes.client.wait(keyed, "key_of").value<std::string>() == "k1");
    auto traced = nodes.client.make("faults/trace_of", std::string());
    traced.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    nodes.client.send(traced);
    CHECK(nodes.client.wait(traced.id, "trace_of").value<std::string>() == traced.trace);
    CHECK(
        nodes.client.call("faults/remaining", std::string(" s"), 7'000'000).value<std::string>() ==
        "7 s");
}

TEST_CASE("many calls in one frame are each answered once by another node") {
    entry_and_worker nodes;
    for (const auto id : nodes.client.invoke_many("bench/echo", std::string("x"), 1000)) {
        REQUIRE(nodes.client.wait(id, "one of many").ok);
        REQUIRE(nodes.client.answers[id].size() == 1);
    }
    nodes.client.wait_for_stat("calls_open", [](std::uint64_t open) { return open <= 1; });
}

TEST_CASE("a cancel reaches the function on another node") {
    entry_and_worker nodes;
    const auto call = nodes.client.invoke("faults/nap_until_stopped", std::string("cluster nap"));
    nodes.beside.await_event("cluster nap in");
    nodes.client.send(wire::cancel{call});
    CHECK(nodes.client.wait(call, "the cancelled call").code == errc::cancelled);
    nodes.beside.await_event("cluster nap out");
}

TEST_CASE("a deadline reaches the function on another node") {
    entry_and_worker nodes;
    const auto& answer =
        nodes.client.call("faults/nap_until_stopped", std::string("late nap"), 50'000);
    CHECK(answer.code == errc::deadline_exceeded);
    nodes.beside.await_event("late nap out");
}

TEST_CASE("a caller that vanishes ends what it called on another node") {
    entry_and_worker nodes;
    {
        raw_client vanishing(at(*nodes.entry));
        static_cast<void>(vanishing.invoke("faults/nap_until_stopped", std::string("orphan nap")));
        nodes.beside.await_event("orphan nap in");
    }
    nodes.beside.await_event("orphan nap out");
}

TEST_CASE("a call that a function makes runs on another node when this one does not serve it") {
    // The relay is served by one node only, what it calls by the other.
    auto config = member_settings("far");
    config.modules = {module_file("faults")};
    const auto far = start_node(config);
    auto near_config = member_settings("near", {at(*far)});
    near_config.modules = {module_file("bench")};
    const auto near = start_node(near_config);
    raw_client client(at(*near));
    wait_until_callable(client, "faults/swallow");
    const auto told = client.call("bench/relay", plan{"faults/swallow", 50}).value<report>();
    CHECK(told.calls == 50);
    CHECK(told.errors == 0);
    CHECK(runs(*far, "faults/swallow") >= 50);
}

TEST_CASE("a full owner refuses a call with a key that a function makes, and a cancel ends one") {
    auto config = member_settings("far");
    config.activations = 1;
    config.queue_depth_max = 1;
    const auto far = start_node(config);
    const auto near = start_node(member_settings("near", {at(*far)}));
    wait_until_together({far.get(), near.get()});
    const std::vector<std::string_view> names{"far", "near"};
    const cluster::partition_map owners(names);
    std::string key = "k";
    while (names[owners.owner(key)] != "far") key += "k";
    raw_client beside(at(*far));
    // One runs and one waits on the key's owner: it refuses the next.
    for (int i = 0; i < 2; ++i) beside.invoke_keyed("faults/block", key, std::string("far full"));
    beside.await_event("far full in");
    raw_client client(at(*near));
    client.chooses_node();
    const auto refused_before = beside.function("faults/block").at("refused").get<int>();
    const auto passed = client.invoke(
        "faults/pass_on", inner_call{"faults/block", "not at home", key}, 0);  // no deadline
    const auto& refused = client.wait(passed, "what was passed on");
    CHECK_FALSE(refused.ok);
    CHECK_THAT(refused.detail, Contains("overloaded") || Contains("queue"));
    CHECK(beside.function("faults/block").at("refused") == refused_before + 1);
    CHECK(runs(*near, "faults/pass_on") == 1);
    CHECK(runs(*near, "faults/block") == 0);
    // Nothing is left of it; the question itself may be counted or not.
    client.wait_for_stat("calls_open", [](std::uint64_t open) { return open == 0; });

    // A cancel finds it here, too.
    const auto withdrawn =
        client.invoke("faults/pass_on", inner_call{"faults/nap_until_stopped", "home nap", ""}, 0);
    client.await_event("home nap in");
    client.send(wire::cancel{withdrawn});
    CHECK(client.wait(withdrawn, "the withdrawn call").code == errc::cancelled);
    client.await_event("home nap out");
    CHECK(client.call("faults/happen", std::string("far full")).ok);
}

TEST_CASE("calls go to another node when this one is busy, and are refused when all are") {
    auto config = member_settings("first");
    config.activations = 1;
    config.queue_depth_max = 1;
    const auto first = start_node(config);
    config = member_settings("second", {at(*first)});
    config.activations = 1;
    config.queue_depth_max = 1;
    const auto second = start_node(config);
    wait_until_together({first.get(), second.get()});
    raw_client client(at(*first));
    raw_client beside(at(*second));
    wait_until_callable(beside, "bench/echo");
    // One runs and one waits on each node; what is more is refused by both.
    std::vector<std::uint64_t> held;
    for (int i = 0; i < 8; ++i) held.push_back(client.invoke("faults/block", std::string("spill")));
    client.wait_until([&] { return client.answers.size() >= 4; }, "the refused calls");
    std::size_t refused = 0;
    for (const auto id : held) {
        if (client.is_open(id)) continue;
        ++refused;
        CHECK(client.answers[id].front().code == errc::overloaded);
        CHECK(client.answers[id].front().retry_after_us > 0);
    }
    CHECK(refused == 4);
    beside.await_event("spill in", 2);
    CHECK(client.call("faults/happen", std::string("spill")).ok);
    for (const auto id : held) client.wait(id, "a call that was held");
    CHECK(runs(*second, "faults/block") == 2);
}

TEST_CASE("a key's owner is one of the nodes that serve the function, for every node and client") {
    auto first = member_settings("n1");
    first.modules = {module_file("bench")};
    std::vector<std::unique_ptr<runtime::node>> nodes;
    nodes.push_back(start_node(first));
    for (const auto* name : {"n2", "n3"}) {
        auto config = member_settings(name, {at(*nodes[0])});
        config.modules = {module_file("faults")};
        nodes.push_back(start_node(config));
    }
    wait_until_together({nodes[0].get(), nodes[1].get(), nodes[2].get()});
    const std::vector<std::string_view> servers{"n2", "n3"};
    const cluster::partition_map owners(servers);
    std::vector<std::uint64_t> expected(2);
    const auto count = [&](const std::string& key) { ++expected[owners.owner(key)]; };
    constexpr int keys = 300;
    for (const auto& node : nodes) {
        // What is sent before the node is connected to the owner waits for it.
        raw_client client(at(*node));
        for (int i = 0; i < keys; ++i) {
            const auto key = "user/" + std::to_string(i);
            const auto call = client.invoke_keyed("faults/key_of", key, std::string());
            CHECK(client.wait(call, "a keyed call").value<std::string>() == key);
            count(key);
        }
    }
    auto client = dunlin::client::connect(at(*nodes[0])).value();
    for (int i = 0; i < keys; ++i) {
        const auto key = "user/" + std::to_string(i);
        CHECK(client.invoke<std::string>("faults/key_of", std::string(), {.key = key}).value() ==
              key);
        count(key);
    }
    for (std::size_t i = 0; i < servers.size(); ++i)
        CHECK(runs(*nodes[i + 1], "faults/key_of") == expected[i]);
}

TEST_CASE("a full owner of a key refuses its calls, and no other node takes them") {
    auto config = member_settings("n1");
    config.activations = 1;
    config.queue_depth_max = 1;
    const auto first = start_node(config);
    config.name = "n2";
    config.join = {at(*first)};
    const auto second = start_node(config);
    wait_until_together({first.get(), second.get()});
    const std::vector<std::string_view> names{"n1", "n2"};
    const cluster::partition_map owners(names);
    int number = 0;
    while (owners.owner("k" + std::to_string(number)) != 1) ++number;
    const auto key = "k" + std::to_string(number);
    raw_client client(at(*first));
    const auto send = [&] {
        return client.invoke_keyed("faults/block", key, std::string("full owner"));
    };
    // One runs and one waits; then the owner is full, and the other node idle.
    const auto running = send();
    raw_client(at(*second)).await_event("full owner in", 1);
    const auto waiting = send();
    const auto& refused = client.wait(send(), "a call that the owner refuses");
    CHECK(refused.code == errc::overloaded);
    CHECK(raw_client(at(*second)).call("faults/happen", std::string("full owner")).ok);
    CHECK(client.wait(running, "the call that runs").ok);
    CHECK(client.wait(waiting, "the call that waited").ok);
    CHECK(runs(*first, "faults/block") == 0);
    CHECK(runs(*second, "faults/block") == 2);
}

TEST_CASE("a call that a node does not know any more, whose function it served, goes to another") {
    auto config = member_settings("worker");
    config.activations = 1;
    const auto worker = start_node(config);
    const fake_peer forgetful(
        [](wire::frame_buffer& back, const wire::frame_reader&) {
            wire::welcome welcome;
            welcome.features = wire::features::cluster;
            welcome.node = "forgetful";
            welcome.cluster = "under test";
            welcome.instance = 77;
            wire::append(back, welcome);
            const wire::catalog_item serves{"faults/block", "", 0};
            wire::append(back, wire::list_part{0, 0, 1}, std::span(&serves, 1));
        },
        [](wire::frame_buffer& back, const wire::frame_reader& call) {
            wire::append(back,
                         wire::failure{call.invoke().id, static_cast<std::int64_t>(errc::not_found),
                                       "no function faults/block"});
        });
    const auto entry = start_node(entry_settings("entry", {at(*worker), forgetful.endpoint()}));
    raw_client client(at(*entry));
    wait_until_callable(client, "faults/happen");
    // The worker is busy, so the forgetful one looks better each time.
    std::vector<std::uint64_t> calls{client.invoke("faults/block", std::string("forgotten"))};
    client.await_event("forgotten in");
    while (forgetful.invokes() < 3 && calls.size() < 1000) {
        calls.push_back(client.invoke("faults/block", std::string("forgotten")));
        client.barrier();
    }
    CHECK(forgetful.invokes() >= 3);
    CHECK(client.call("faults/happen", std::string("forgotten")).ok);
    for (const auto id : calls) CHECK(client.wait(id, "a call that went elsewhere").ok);
    CHECK(client.stats().at("calls_retried") >= 3);
}

TEST_CASE("a reply tells the load of its function, however large it is") {
    const auto first = start_node(member_settings("n1"));
    const auto second = start_node(member_settings("n2", {at(*first)}));
    wait_until_together({first.get(), second.get()});
    raw_client client(at(*first), raw_client::greeting::cluster);
    client.chooses_node();
    for (const std::uint32_t bytes : {10U, 10'000U, 1'000'000U}) {
        INFO(bytes << " bytes");
        const auto before = client.frames_with_load;
        client.loads.clear();
        CHECK(client.call("faults/large", bytes).value<std::string>().size() == bytes);
        CHECK(client.frames_with_load == before + 1);
        REQUIRE(client.loads.size() == 1);
    }
}

TEST_CASE("a call of another node leaves by the lane of the function that makes it") {
    auto serving = member_settings("serving");
    serving.modules = {module_file("long_version")};
    const auto far = start_node(serving);
    auto config = member_settings("calling", {at(*far)});
    config.lanes = 3;
    config.lane_hold_max = std::chrono::hours(1);  // nobody takes a lane over
    const auto near = start_node(config);
    raw_client first(near->endpoints().at(0));
    raw_client other(near->endpoints().at(1));
    wait_until_callable(other, "long_version/greet");
    const auto holding = first.invoke("faults/stay", std::string("the calling lane"));
    other.await_event("the calling lane in");
    const auto greeting = other.call("faults/pass_on", inner_call{"long_version/greet", "you", ""});
    CHECK(greeting.text() == "ok");
    CHECK(first.is_open(holding));
    CHECK(other.call("faults/happen", std::string("the calling lane")).ok);
    CHECK(first.wait(holding, "the call that held the first lane").ok);
}
