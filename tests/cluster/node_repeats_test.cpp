// SPDX-License-Identifier: Apache-2.0
//
// Calls that arrive again: over the same connection, another one, another lane, another node.
#include "tests/cluster/cluster_harness.hpp"

#include <atomic>
#include <future>
#include <string>
#include <string_view>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

constexpr std::uint64_t origin = 0xfeed'beef'0000'0001;

/// A call with a name of its own, as the process `origin` makes it.
template <class In>
wire::invoke named(raw_client& by, std::string_view function, const In& in, std::uint64_t id,
                   std::uint32_t attempt = 0) {
    auto call = by.make(function, in);
    call.origin = origin;
    call.origin_id = id;
    call.attempt = attempt;
    return call;
}

/// Sends it. @returns the id on this connection.
template <class In>
std::uint64_t send_named(raw_client& by, std::string_view function, const In& in, std::uint64_t id,
                         std::uint32_t attempt = 0) {
    const auto call = named(by, function, in, id, attempt);
    by.send(call);
    return call.id;
}

template <class In>
answered call_named(raw_client& by, std::string_view function, const In& in, std::uint64_t id,
                    std::uint32_t attempt = 0) {
    return by.wait(send_named(by, function, in, id, attempt), function);
}

/// Events are counted for all nodes of the process, so each run of a test has its own.
std::string fresh_event() {
    static std::atomic<int> events{0};
    return "repeats " + std::to_string(++events);
}

std::uint64_t repeats(raw_client& client) { return client.stats().at("dedupe_repeats"); }

}  // namespace

TEST_CASE("a repeat of a call that has ended gets the first answer, a value or an error") {
    const auto node = start_node();
    raw_client first(at(*node));
    raw_client second(at(*node));
    CHECK(call_named(first, "bench/echo", std::string("one"), 7).value<std::string>() == "one");
    // Other input shows whose answer it is.
    CHECK(call_named(second, "bench/echo", std::string("two"), 7).value<std::string>() == "one");
    CHECK(call_named(first, "bench/echo", std::string("two"), 7).value<std::string>() == "one");
    CHECK(runs(*node, "bench/echo") == 1);

    CHECK(call_named(first, "faults/throw_error", std::string("oh"), 8).text() == "failed: oh");
    CHECK(call_named(second, "faults/throw_error", std::string("no"), 8).text() == "failed: oh");
    CHECK(runs(*node, "faults/throw_error") == 1);
    CHECK(repeats(first) == 3);
}

TEST_CASE("another attempt, id, origin or function is another call") {
    const auto node = start_node();
    raw_client client(at(*node));
    CHECK(call_named(client, "bench/echo", 1, 7).value<int>() == 1);
    CHECK(call_named(client, "bench/echo", 2, 7, 1).value<int>() == 2);
    CHECK(call_named(client, "bench/echo", 3, 8).value<int>() == 3);
    auto other = named(client, "bench/echo", 4, 7);
    other.origin = origin + 1;
    client.send(other);
    CHECK(client.wait(other.id, "another origin's call").value<int>() == 4);
    CHECK(call_named(client, "faults/throw_error", std::string("x"), 7).code == errc::failed);
    CHECK(repeats(client) == 0);
}

TEST_CASE("a repeat of a running call waits for it, on whichever lane it arrives") {
    const auto event = fresh_event();
    auto config = node_settings();
    config.lanes = GENERATE(1, 2);
    const auto node = start_node(config);
    raw_client first(at(*node));
    raw_client second(node->endpoints().back());
    raw_client third(node->endpoints().back());
    const auto ran = send_named(first, "faults/block", event, 7);
    third.await_event(event + " in");
    const auto repeated = send_named(second, "faults/block", event, 7);
    const auto again = send_named(third, "faults/block", event, 7);
    third.wait_for_stat("dedupe_repeats", 2);
    CHECK(first.is_open(ran));
    CHECK(second.is_open(repeated));
    CHECK(third.is_open(again));
    CHECK(third.call("faults/happen", event).ok);
    CHECK(first.wait(ran, "the first").value<std::string>() == event);
    CHECK(second.wait(repeated, "the repeat").value<std::string>() == event);
    CHECK(third.wait(again, "the second repeat").value<std::string>() == event);
    CHECK(runs(*node, "faults/block") == 1);
    third.wait_for_stat("calls_open", [](std::uint64_t open) { return open <= 1; });
}

// A node sends a call to the owner of its key, and gets it back because the key has moved to it.
TEST_CASE("a call that has moved with its key does not wait for itself where it was sent from") {
    const auto event = fresh_event();
    const auto node = start_node();
    raw_client first(at(*node));
    raw_client owner(at(*node));
    const auto sent = send_named(first, "faults/block", event, 7);
    owner.await_event(event + " in");
    auto back = named(owner, "faults/block", event, 7);
    back.flags |= wire::invoke_flags::forwarded | wire::invoke_flags::one_move;
    owner.send(back);
    CHECK(owner.call("faults/happen", event).ok);
    CHECK(first.wait(sent, "the first").value<std::string>() == event);
    CHECK(owner.wait(back.id, "the one that came back").ok);
    CHECK(runs(*node, "faults/block") == 2);
    // What is kept is kept all the same.
    auto late = named(owner, "faults/block", event, 7);
    late.flags |= wire::invoke_flags::forwarded | wire::invoke_flags::one_move;
    owner.send(late);
    CHECK(owner.wait(late.id, "a repeat").value<std::string>() == event);
    CHECK(runs(*node, "faults/block") == 2);
}

TEST_CASE("a repeat that is withdrawn, or whose time is over, leaves the call to the others") {
    const auto node = start_node();
    raw_client first(at(*node));
    raw_client second(at(*node));
    const auto ran = send_named(first, "faults/nap_until_stopped", std::string("kept nap"), 7);
    second.await_event("kept nap in");
    const auto repeated = send_named(second, "faults/nap_until_stopped", std::string(), 7);
    auto hasty = named(second, "faults/nap_until_stopped", std::string(), 7);
    hasty.remaining_us = 30'000;
    second.send(hasty);
    second.wait_for_stat("dedupe_repeats", 2);
    second.send(wire::cancel{repeated});
    CHECK(second.wait(repeated, "the withdrawn repeat").code == errc::cancelled);
    CHECK(second.wait(hasty.id, "the hasty repeat").code == errc::deadline_exceeded);
    CHECK(first.is_open(ran));
    CHECK(second.function("faults/nap_until_stopped").at("busy") == 1);
    first.send(wire::cancel{ran});
    CHECK(first.wait(ran, "the first").code == errc::cancelled);
    second.await_event("kept nap out");
}

TEST_CASE("a call runs on for its repeat when its first caller withdraws it or vanishes") {
    const auto event = fresh_event();
    auto config = node_settings();
    config.lanes = GENERATE(1, 2);
    const bool vanishes = GENERATE(false, true);
    const auto node = start_node(config);
    raw_client beside(at(*node));
    raw_client second(node->endpoints().back());
    {
        raw_client first(at(*node));
        const auto ran = send_named(first, "faults/block", event, 7);
        beside.await_event(event + " in");
        const auto repeated = send_named(second, "faults/block", std::string(), 7);
        beside.wait_for_stat("dedupe_repeats", 1);
        const std::uint64_t peers = beside.stats().at("peers");
        if (vanishes) {
            first.send(wire::bye{});
            beside.wait_for_stat("peers", [&](std::uint64_t now) { return now < peers; });
        } else {
            first.send(wire::cancel{ran});
            CHECK(first.wait(ran, "the withdrawn call").code == errc::cancelled);
        }
        CHECK(second.is_open(repeated));
        CHECK(beside.call("faults/happen", event).ok);
        CHECK(second.wait(repeated, "the repeat").value<std::string>() == event);
    }
    CHECK(runs(*node, "faults/block") == 1);
    beside.wait_for_stat("calls_open", [](std::uint64_t open) { return open <= 1; });
}

TEST_CASE("a call is stopped when its first caller and all repeats have gone") {
    const auto event = fresh_event();
    auto config = node_settings();
    config.lanes = GENERATE(1, 2);
    const auto node = start_node(config);
    raw_client beside(at(*node));
    raw_client first(at(*node));
    raw_client second(node->endpoints().back());
    const auto ran = send_named(first, "faults/nap_until_stopped", event, 7);
    beside.await_event(event + " in");
    const auto repeated = send_named(second, "faults/nap_until_stopped", std::string(), 7);
    beside.wait_for_stat("dedupe_repeats", 1);
    first.send(wire::cancel{ran});
    CHECK(first.wait(ran, "the first").code == errc::cancelled);
    CHECK(beside.function("faults/nap_until_stopped").at("busy") == 1);
    second.send(wire::cancel{repeated});
    CHECK(second.wait(repeated, "the repeat").code == errc::cancelled);
    beside.await_event(event + " out");
    // It may have run: a repeat is told, and a further attempt runs.
    const auto told = call_named(second, "faults/nap_until_stopped", std::string(), 7);
    CHECK(told.code == errc::unavailable);
    CHECK_FALSE(told.did_not_run);
    CHECK_THAT(told.detail, Catch::Contains("has run on node"));
    const auto next = send_named(second, "faults/nap_until_stopped", std::string("next nap"), 7, 1);
    beside.await_event("next nap in");
    second.send(wire::cancel{next});
    CHECK(second.wait(next, "the next attempt").code == errc::cancelled);
}

TEST_CASE("the deadline of the first call ends it for its repeats, too") {
    const auto node = start_node();
    raw_client first(at(*node));
    raw_client second(at(*node));
    auto short_call = named(first, "faults/nap_until_stopped", std::string("short nap"), 7);
    short_call.remaining_us = 300'000;
    first.send(short_call);
    second.await_event("short nap in");
    const auto repeated = send_named(second, "faults/nap_until_stopped", std::string(), 7);
    CHECK(first.wait(short_call.id, "the first").code == errc::deadline_exceeded);
    CHECK(second.wait(repeated, "the repeat").code == errc::deadline_exceeded);
    second.await_event("short nap out");
    CHECK(call_named(second, "faults/nap_until_stopped", std::string(), 7).code ==
          errc::deadline_exceeded);
    CHECK(runs(*node, "faults/nap_until_stopped") == 1);
}

TEST_CASE("a repeat is told that the call ran when its answer was too large to keep") {
    auto config = node_settings();
    config.lanes = 1;  // several divide the limit among them
    config.dedupe.bytes_max = 1000;
    const auto node = start_node(config);
    raw_client client(at(*node));
    CHECK(call_named(client, "faults/large", 900U, 1).ok);
    CHECK(call_named(client, "faults/large", 900U, 1).ok);
    CHECK(call_named(client, "faults/large", 2000U, 2).ok);
    const auto told = call_named(client, "faults/large", 2000U, 2);
    CHECK(told.code == errc::unavailable);
    CHECK_FALSE(told.did_not_run);
    CHECK_THAT(told.detail, Catch::Contains("has run on node under-test"));
    CHECK_THAT(told.detail, Catch::Contains("a further attempt"));
    CHECK(runs(*node, "faults/large") == 2);
    CHECK(client.stats().at("dedupe_replies_dropped") == 1);
    CHECK(client.stats().at("dedupe_bytes").get<std::uint64_t>() <= 1000);
}

TEST_CASE("a call that was refused may run when it comes again") {
    auto config = node_settings();
    config.activations = 1;
    config.queue_depth_max = 1;
    const auto node = start_node(config);
    raw_client client(at(*node));
    raw_client beside(at(*node));
    std::vector<std::uint64_t> held;
    held.push_back(client.invoke("faults/block", std::string("in the way")));
    beside.await_event("in the way in");
    held.push_back(client.invoke("faults/block", std::string("in the way")));
    beside.wait_for_stat("calls_open", 3);
    CHECK(call_named(client, "faults/block", std::string("in the way"), 7).code ==
          errc::overloaded);
    CHECK(call_named(client, "no/such", 1, 8).code == errc::not_found);
    CHECK(call_named(client, "no/such", 1, 8).code == errc::not_found);
    CHECK(client.stats().at("dedupe_calls") == 0);
    CHECK(beside.call("faults/happen", std::string("in the way")).ok);
    for (const auto id : held) CHECK(client.wait(id, "a call in the way").ok);
    CHECK(call_named(client, "faults/block", std::string("in the way"), 7).ok);
    CHECK(runs(*node, "faults/block") == 3);
    CHECK(repeats(client) == 0);
}

TEST_CASE("a call is forgotten when the window is over, or is switched off") {
    auto config = node_settings();
    SECTION("over") {
        config.dedupe.window = std::chrono::milliseconds(1);
        const auto node = start_node(config);
        raw_client client(at(*node));
        CHECK(call_named(client, "bench/echo", 1, 7).value<int>() == 1);
        CHECK(client.call("bench/sleep", time_us{2000}).ok);
        CHECK(call_named(client, "bench/echo", 2, 7).value<int>() == 2);
    }
    SECTION("full") {
        config.lanes = 1;  // several divide the limit among them
        config.dedupe.calls_max = 4;
        const auto node = start_node(config);
        raw_client client(at(*node));
        for (std::uint64_t id = 1; id <= 5; ++id) CHECK(call_named(client, "bench/echo", 1, id).ok);
        CHECK(call_named(client, "bench/echo", 2, 5).value<int>() == 1);
        CHECK(call_named(client, "bench/echo", 2, 1).value<int>() == 2);
        CHECK(client.stats().at("dedupe_forgotten_early") == 2);
        CHECK(client.stats().at("dedupe_calls") == 4);
    }
    SECTION("off") {
        config.dedupe.calls_max = 0;
        const auto node = start_node(config);
        raw_client client(at(*node));
        CHECK(call_named(client, "bench/echo", 1, 7).value<int>() == 1);
        CHECK(call_named(client, "bench/echo", 2, 7).value<int>() == 2);
    }
}

TEST_CASE("a repeat that comes through another node gets the first answer") {
    const auto worker = start_node(member_settings("worker"));
    const auto entry = start_node(entry_settings("entry", {at(*worker)}));
    const auto side = start_node(entry_settings("side", {at(*worker)}));
    raw_client by_entry(at(*entry));
    raw_client by_side(at(*side));
    raw_client beside(at(*worker));
    wait_until_callable(by_entry, "bench/echo");
    wait_until_callable(by_side, "bench/echo");
    const auto before = runs(*worker, "bench/echo");
    CHECK(call_named(by_entry, "bench/echo", 1, 7).value<int>() == 1);
    CHECK(call_named(by_entry, "bench/echo", 2, 7).value<int>() == 1);  // the entry knows it
    CHECK(call_named(by_side, "bench/echo", 3, 7).value<int>() == 1);   // the worker does
    CHECK(call_named(beside, "bench/echo", 4, 7).value<int>() == 1);
    CHECK(runs(*worker, "bench/echo") == before + 1);

    // While it runs: the first way in dies, and the call goes on for the second.
    {
        raw_client vanishing(at(*entry));
        static_cast<void>(send_named(vanishing, "faults/block", std::string("two ways"), 8));
        beside.await_event("two ways in");
        const auto repeated = send_named(by_side, "faults/block", std::string(), 8);
        beside.wait_for_stat("dedupe_repeats", 3);
        vanishing.send(wire::bye{});
        by_entry.wait_for_stat("calls_open", [](std::uint64_t open) { return open <= 1; });
        beside.barrier();
        CHECK(by_side.is_open(repeated));
        CHECK(beside.call("faults/happen", std::string("two ways")).ok);
        CHECK(by_side.wait(repeated, "the repeat").value<std::string>() == "two ways");
    }
    CHECK(runs(*worker, "faults/block") == 1);
}

TEST_CASE("calls without a name of their own stay apart on another node") {
    const auto worker = start_node(member_settings("worker"));
    const auto entry = start_node(entry_settings("entry", {at(*worker)}));
    raw_client one(at(*entry));
    raw_client two(at(*entry));
    wait_until_callable(one, "bench/echo");
    // Two callers that do not name themselves use the same ids.
    for (int i = 0; i < 5; ++i) {
        for (auto* client : {&one, &two}) {
            auto call = client->make("bench/echo", client == &one ? i : -i);
            call.id = 1000 + static_cast<std::uint64_t>(i);
            client->send(call);
            CHECK(client->wait(call.id, "an echo").value<int>() == (client == &one ? i : -i));
        }
    }
    raw_client beside(at(*worker));
    CHECK(repeats(beside) == 0);
}

TEST_CASE("a repeat is answered while the node drains") {
    const auto node = start_node();
    raw_client client(at(*node));
    raw_client second(at(*node));
    CHECK(call_named(client, "bench/echo", 1, 7).value<int>() == 1);
    const auto held = send_named(client, "faults/block", std::string("drained"), 8);
    second.await_event("drained in");
    const auto other = start_node();  // loads the same module, and so opens the door
    auto stopping = std::async(std::launch::async, [&] { return node->stop(); });
    client.wait_until([&] { return !client.goaways.empty(); }, "the goaway");
    client.barrier();
    client.barrier();  // the node has the pong that follows its goaway
    CHECK(call_named(client, "bench/echo", 2, 9).did_not_run);
    CHECK(call_named(client, "bench/echo", 2, 7).value<int>() == 1);
    const auto repeated = send_named(second, "faults/block", std::string(), 8);
    second.barrier();
    CHECK(second.is_open(repeated));
    raw_client opening(at(*other));
    CHECK(opening.call("faults/happen", std::string("drained")).ok);
    CHECK(client.wait(held, "the call").ok);
    CHECK(second.wait(repeated, "its repeat").value<std::string>() == "drained");
    CHECK(stopping.get() == 0);
}
