// SPDX-License-Identifier: Apache-2.0
//
// What a caller hears when a call goes wrong, on a real node over a real socket.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <future>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

struct page_of_text {
    std::string url;
    std::string size;
    DUNLIN_FIELDS(url, size)
};

}  // namespace

TEST_CASE("functions written in plain C answer, fail and wait on a node") {
    auto config = node_settings();
    config.modules = {module_file("plain_c")};
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    const std::string text = "abc";
    const auto reversed = client.call("plainc/reverse", bytes_view(as_bytes(text)));
    REQUIRE(reversed.ok);
    CHECK(as_text(reversed.value<bytes>().view()) == "cba");
    const auto refused = client.call("plainc/refuse", 1);
    CHECK(refused.code == errc::failed);
    CHECK(refused.detail == "refused, in plain C");
    CHECK(client.call("plainc/nap", 1).ok);
}

TEST_CASE("a node and a client that never wait awake answer all the same") {
    auto config = node_settings();
    config.busy_poll = std::chrono::microseconds(0);
    config.idle_poll = std::chrono::microseconds(0);
    const auto node = start_node(config);
    client_options options;
    options.endpoints = node->endpoints();
    options.busy_poll = std::chrono::microseconds(0);
    auto caller = client::connect(std::move(options));
    REQUIRE(caller);
    for (int i = 0; i < 200; ++i) REQUIRE(caller->invoke<int>("bench/echo", i) == i);
    std::vector<std::future<result<int>>> replies;
    for (int i = 0; i < 500; ++i) replies.push_back(caller->async_invoke<int>("bench/echo", i));
    for (int i = 0; i < 500; ++i) REQUIRE(replies[static_cast<std::size_t>(i)].get() == i);
}

TEST_CASE("a node and its clients count the same cold starts") {
    const auto node = start_node();
    auto caller = client::connect(node->endpoints().front());
    REQUIRE(caller);
    raw_client beside(node->endpoints().front());
    CHECK(beside.function("bench/echo").at("activations_started") == 0);
    std::vector<std::future<result<int>>> replies;
    for (int i = 0; i < 500; ++i) replies.push_back(caller->async_invoke<int>("bench/echo", i));
    for (int i = 0; i < 500; ++i) REQUIRE(replies[static_cast<std::size_t>(i)].get() == i);
    const auto echo = beside.function("bench/echo");
    CHECK(caller->stats().cold_starts >= 1);
    CHECK(echo.at("cold_calls") == caller->stats().cold_starts);
    CHECK(echo.at("activations_started") >= 1);
    CHECK(echo.at("start_time_us") > 0);
    const auto stats = beside.stats();
    CHECK(stats.at("activations_started") >= echo.at("activations_started"));
    CHECK(stats.at("activations_retired") >= echo.at("activations_retired"));
    CHECK(stats.at("functions_at_zero") >= 1);  // nobody has called bench/sleep
}

TEST_CASE("a caller's trace reaches the function and what it calls in turn") {
    const auto node = start_node();
    auto caller = client::connect(node->endpoints().front());
    REQUIRE(caller);
    call_options options;
    options.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (const auto* function : {"faults/trace_of", "faults/trace_of_inner_call"}) {
        CHECK(caller->invoke<std::string>(function, std::string("me"), options) ==
              std::string(options.trace));
    }
    CHECK(caller->invoke<std::string>("faults/trace_of", std::string("me")) == std::string());
    // Without one, calls between functions get one, so that they have a name in common.
    const auto made = caller->invoke<std::string>("faults/trace_of_inner_call", std::string("me"));
    REQUIRE(made);
    CHECK(made->size() == options.trace.size());
    CHECK(made->starts_with("00-"));
}

TEST_CASE("a caller's key reaches the function, and a key of 256 bytes is refused") {
    const auto node = start_node();
    auto caller = client::connect(node->endpoints().front());
    REQUIRE(caller);
    const std::string longest(255, 'k');
    const auto ask = [&](std::string_view key) {
        return caller->invoke<std::string>("faults/key_of", std::string("x"), {.key = key});
    };
    CHECK(ask("user-17") == std::string("user-17"));
    CHECK(ask(longest) == longest);
    CHECK(ask("") == std::string());
    const auto refused = ask(longest + "k");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK(refused.error().detail == "a key has at most 255 bytes, this one has 256");
    CHECK(caller->invoke<std::string>("faults/key_of_inner_call", std::string("inner")) ==
          std::string("inner"));
}

TEST_CASE("a misspelt name is explained a few times in a frame, and refused every time") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    wire::frame_buffer frame;
    const auto payload = encode(1);
    constexpr std::size_t calls = 200;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < calls; ++i)
        names.push_back(i % 2 == 0 ? "bench/ecko" : "bench/ehco");
    for (const auto& name : names) append(frame, client.make_encoded(name, payload.view()));
    client.send_frame(frame);
    client.wait_until([&] { return client.answers.size() == calls; }, "every refusal");
    std::size_t explained = 0;
    for (const auto& [id, answers] : client.answers) {
        REQUIRE(answers.size() == 1);
        CHECK(answers.front().code == errc::not_found);
        CHECK(answers.front().detail.starts_with("no function bench/e"));
        if (answers.front().detail.ends_with("did you mean bench/echo?")) ++explained;
    }
    CHECK(explained >= 1);
    CHECK(explained < 50);
}

TEST_CASE("a payload that does not fit is answered with the field, the expected and the given") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    const auto& wrong = client.call("faults/page_size", page_of_text{"a", "b"});
    CHECK(wrong.text() ==
          "invalid_argument: page.size: expected integer from 0 to 4294967295, "
          "got string \"b\"");
    const auto& garbage = client.wait(
        [&] {
            const auto call = client.make_encoded("faults/page_size", as_bytes("\xc1"));
            client.send(call);
            return call.id;
        }(),
        "a payload that is not msgpack");
    CHECK(garbage.text() ==
          "invalid_argument: page: expected map, got a byte that msgpack does not use");
    const auto& empty = client.wait(
        [&] {
            const auto call = client.make_encoded("faults/page_size", {});
            client.send(call);
            return call.id;
        }(),
        "an empty payload");
    CHECK(empty.text() == "invalid_argument: page: expected map, but the payload is empty");
}

TEST_CASE("a call whose deadline passes before it starts does not run") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    // The first holds the lane for longer than the second has.
    const auto payload = encode(time_us{2000});
    const auto first = client.make_encoded("bench/spin", payload.view());
    const auto late = client.make("bench/echo", 1, 1);
    client.send(first, late);
    CHECK(client.wait(late.id, "the late call").text() ==
          "deadline_exceeded: the deadline of bench/echo passed before it ran; it did not run");
    CHECK(client.wait(first.id, "the call that spins").ok);
    CHECK(client.function("bench/echo").at("invocations") == 0);
}

TEST_CASE("a call that has no answer at its deadline is answered and asked to stop") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    CHECK(client.call("faults/nap_until_stopped", std::string("deadline"), 50'000).text() ==
          "deadline_exceeded: no answer from faults/nap_until_stopped before the deadline");
    client.await_event("deadline out");
    client.barrier();
    CHECK(client.answers.at(1).size() == 1);
}

TEST_CASE("a full queue refuses with a hint, and nothing is lost") {
    auto config = node_settings();
    config.queue_depth_max = 2;
    config.activations = 1;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    const auto running = client.invoke("faults/block", std::string("full"));
    client.await_event("full in");
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 6; ++i) ids.push_back(client.invoke("faults/block", std::string("full")));
    client.barrier();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        INFO(i);
        if (i < 2) {
            CHECK(client.is_open(ids[i]));
            continue;
        }
        const auto& refused = client.wait(ids[i], "a refused call");
        CHECK_THAT(refused.text(),
                   Catch::Matchers::StartsWith("overloaded: the queue of faults/block is "
                                               "full (2 waiting); try again in "));
        CHECK(refused.retry_after_us >= 1000);
        CHECK_FALSE(refused.whole_node);
    }
    CHECK(client.call("faults/happen", std::string("full")).ok);
    for (const auto id : {running, ids[0], ids[1]}) CHECK(client.wait(id, "a queued call").ok);
    CHECK(client.function("faults/block").at("refused") == 4);
}

TEST_CASE("calls without an answer may weigh only so much together") {
    auto config = node_settings();
    config.payload_bytes_max = 500'000;
    config.queue_bytes_max = std::size_t{1600} << 10;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    CHECK(client.stats().at("bytes_held_max") == config.queue_bytes_max);
    const std::string heavy(410'000, 'h');
    std::vector<std::uint64_t> running;
    for (int i = 0; i < 3; ++i)
        running.push_back(client.invoke("faults/nap_until_stopped", heavy, 0));
    // What waits behind a frame to be read would count against it.
    client.wait_for_stat("frame_bytes_held", 1'230'000);
    const auto& refused = client.call("faults/nap_until_stopped", heavy);
    CHECK_THAT(
        refused.text(),
        Catch::Matchers::StartsWith(
            "overloaded: the call does not fit beside those that the node works on: all that it "
            "holds may weigh 1600KiB (pools.queue_bytes_max), and with it this caller would "
            "hold "));
    CHECK(refused.retry_after_us >= 50'000);
    CHECK(refused.whole_node);
    CHECK(client.call("bench/echo", 1).ok);  // a light one still fits

    client.send(wire::cancel{running[0]});
    client.wait(running[0], "the cancelled call");
    client.wait_for_stat("frame_bytes_held", [](auto held) { return held < 830'000; });
    CHECK(client.call("bench/echo", heavy).ok);
    for (const auto id : {running[1], running[2]}) client.send(wire::cancel{id});
    // What stays is the frame of the question.
    client.wait_for_stat("frame_bytes_held", [](auto held) { return held < 3'000; });
}

TEST_CASE("the largest frame alone is never too heavy") {
    auto config = node_settings();
    config.queue_bytes_max = 1;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    CHECK(client.call("bench/echo", std::string(config.payload_bytes_max - 8, 'x')).ok);
}

TEST_CASE("a connection may have only so many calls unanswered") {
    auto config = node_settings();
    config.in_flight_max = 2;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    CHECK(client.welcomes.front().in_flight_max == 2);
    const auto first = client.invoke("faults/nap_until_stopped", std::string("flight"));
    const auto second = client.invoke("faults/nap_until_stopped", std::string("flight"));
    const auto& third = client.call("bench/echo", 1);
    CHECK_THAT(third.text(),
               Catch::StartsWith("overloaded: this connection has 2 calls unanswered, the most it "
                                 "may; wait for some (dunlin explain bench/echo --record "));
    CHECK(third.retry_after_us > 0);
    CHECK(third.whole_node);
    raw_client other(node->endpoints().front());
    CHECK(other.call("bench/echo", 1).ok);
    client.send(wire::cancel{first});
    client.wait(first, "the cancelled call");
    CHECK(client.call("bench/echo", 1).ok);
    client.send(wire::cancel{second});
    client.wait(second, "the other cancelled call");
}

TEST_CASE("an id that is still in use is refused, and its first call lives on") {
    const auto node = start_node();
    raw_client client(node->endpoints().front());
    const auto payload = encode(std::string("twice"));
    const auto call = client.make_encoded("faults/nap_until_stopped", payload.view());
    client.send(call);
    client.barrier();
    client.send(call);
    CHECK(client.wait(call.id, "the second call").text() ==
          "invalid_argument: call id 1 belongs to a call that is not answered yet");
    client.barrier();
    CHECK(client.answers.at(call.id).size() == 1);
    client.send(wire::cancel{call.id});
    client.wait_until([&] { return client.answers.at(call.id).size() == 2; },
                      "the cancelled first call");
    CHECK(client.answers.at(call.id).back().code == errc::cancelled);
    client.await_event("twice out");
    // Twice in one frame, and the caller leaves: nothing stays open, whatever had begun to run.
    client.send(call, call, wire::bye{});
    raw_client other(node->endpoints().front());
    CHECK(other.call("bench/echo", 1).ok);
    other.wait_until_idle("faults/nap_until_stopped");
    CHECK(other.stats().at("calls_open") <= 1);  // this one
}
