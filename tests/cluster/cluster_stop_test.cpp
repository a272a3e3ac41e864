// SPDX-License-Identifier: Apache-2.0
//
// The end of a node among others: what it has not begun runs elsewhere, and what comes to it late
// goes nowhere that is gone.
#include "tests/cluster/cluster_harness.hpp"
#include "tests/cluster/raw_client.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <future>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

constexpr int calls = 40;
constexpr int running = 2;

/// A node that runs few calls at a time.
runtime::node_config narrow(const std::string& name, const std::vector<std::string>& join = {}) {
    auto config = member_settings(name, join);
    config.activations = running;
    config.drain_timeout = 20s;
    return config;
}

/// ... and soon loses its patience.
runtime::node_config impatient(const std::string& name) {
    auto config = narrow(name);
    config.drain_timeout = 100ms;
    return config;
}

/// Calls of the function that the node has.
int taken(raw_client& client) {
    const auto blocking = client.function("faults/block");
    return blocking.at("busy").get<int>() + blocking.at("queue_depth").get<int>();
}

}  // namespace

TEST_CASE("what a node has not begun when its patience ends runs elsewhere, called by a client") {
    const auto leaving = start_node(impatient("leaving"));
    const auto staying = start_node(narrow("staying", {at(*leaving)}));
    wait_until_together({leaving.get(), staying.get()});
    auto client = client::connect(at(*leaving));
    REQUIRE(client);
    raw_client watching(at(*leaving));
    raw_client opening(at(*staying));
    // The links of the other node's lanes, the connections of the client, and this one.
    opening.wait_for_stat("peers", 2 * staying->endpoints().size() + 1);
    std::vector<std::future<result<std::string>>> answers;
    call_options options;
    options.timeout = 60s;
    for (int i = 0; i < calls; ++i)
        answers.push_back(
            client->async_invoke<std::string>("faults/block", "queued at the end", options));
    // Some run there until "queued at the end" happens, others wait for their turn.
    ask_until([&] { return taken(watching) + taken(opening) == calls; }, "all calls");
    REQUIRE(taken(watching) > running);
    CHECK(leaving->stop() > running);
    CHECK(opening.call("faults/happen", std::string("queued at the end")).ok);
    int succeeded = 0;
    for (auto& each : answers) {
        const auto answer = each.get();
        if (answer) {
            ++succeeded;
            continue;
        }
        INFO(answer.error().detail);
        CHECK(answer.error().code == errc::unavailable);
        CHECK_FALSE(answer.error().did_not_run);
    }
    CHECK(succeeded == calls - running);
    CHECK(runs(*staying, "faults/block") == calls - running);
}

TEST_CASE("what a node has not begun when its patience ends runs elsewhere, sent on by a node") {
    const auto leaving = start_node(impatient("leaving"));
    const auto entry = start_node(entry_settings("entry", {at(*leaving)}));
    raw_client client(at(*entry));
    wait_until_callable(client, "bench/echo");
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < calls; ++i)
        ids.push_back(client.invoke("faults/block", std::string("queued behind a node")));
    raw_client watching(at(*leaving));
    ask_until([&] { return taken(watching) == calls; }, "all calls");
    const auto staying = start_node(narrow("staying", {at(*leaving)}));
    wait_until_together({leaving.get(), entry.get(), staying.get()});
    raw_client opening(at(*staying));
    // ... and the lane that has the calls knows that it is there.
    int keys = 0;
    ask_until(
        [&] {
            const auto key = "key-" + std::to_string(keys++);
            const auto call = client.invoke_keyed("bench/echo", key, 1);
            return client.wait(call, "a call with a key").ok &&
                   opening.function("bench/echo").at("invocations") != 0;
        },
        "a call to come to the new node");
    CHECK(leaving->stop() == calls);
    CHECK(opening.call("faults/happen", std::string("queued behind a node")).ok);
    int succeeded = 0;
    for (const auto id : ids) {
        const auto& answer = client.wait(id, "a call that was queued");
        succeeded += answer.ok ? 1 : 0;
        if (!answer.ok) CHECK_FALSE(answer.did_not_run);
    }
    CHECK(succeeded == calls - running);
    CHECK(runs(*staying, "faults/block") == calls - running);
}

TEST_CASE("what a node has sent on is told whether it had begun there when the node stops") {
    const auto worker = start_node(narrow("worker"));
    auto config = entry_settings("entry", {at(*worker)});
    config.drain_timeout = 100ms;
    const auto entry = start_node(config);
    raw_client client(at(*entry));
    wait_until_callable(client, "bench/echo");
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < calls; ++i)
        ids.push_back(client.invoke("faults/block", std::string("sent on by one that stops")));
    raw_client watching(at(*worker));
    ask_until([&] { return taken(watching) == calls; }, "all calls");
    auto stopped = std::async(std::launch::async, [&] { return entry->stop(); });
    int unstarted = 0;
    for (const auto id : ids) {
        const auto& answer = client.wait(id, "a call that was sent on");
        CHECK(answer.code == errc::unavailable);
        CHECK_THAT(answer.detail, Catch::Contains("node entry stopped before faults/block"));
        unstarted += answer.did_not_run ? 1 : 0;
    }
    CHECK(unstarted == calls - running);
    CHECK(stopped.get() == calls);
    // What is said not to have run does not run later either.
    CHECK(watching.call("faults/happen", std::string("sent on by one that stops")).ok);
    ask_until([&] { return taken(watching) == 0; }, "the calls that had begun to end");
    CHECK(runs(*worker, "faults/block") == running);
}

TEST_CASE(
    "a call that comes to a node during its farewell is not sent on over links that are gone") {
    auto config = entry_settings("entry");
    config.drain_timeout = 0ms;
    const auto entry = start_node(config);
    const auto worker = start_node(member_settings("worker", {at(*entry)}));
    raw_client deaf(at(*entry));  // does not read, and so has not heard of the drain
    raw_client client(at(*entry));
    wait_until_callable(client, "bench/echo");
    const auto napping =
        client.invoke("faults/nap_until_stopped", std::string("late at the entry"));
    raw_client elsewhere(at(*worker));
    elsewhere.await_event("late at the entry in");
    auto stopped = std::async(std::launch::async, [&] { return entry->stop(); });
    REQUIRE(client.wait(napping, "the call that the entry's end cuts short").code ==
            errc::unavailable);
    const auto late = deaf.invoke("bench/echo", 1);
    const auto& answer = deaf.wait(late, "the call that came during the farewell");
    CHECK(answer.text() == "unavailable: node entry stops; the call did not run");
    CHECK(answer.did_not_run);
    CHECK(stopped.get() == 1);
}
