// SPDX-License-Identifier: Apache-2.0
//
// A function that awaits a client's call to a function of another node.
#include "tests/cluster/node_harness.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <string>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

struct elsewhere {
    std::string endpoint;
    std::string function;
    std::string input;
    std::uint64_t timeout_ms = 0;
    DUNLIN_FIELDS(endpoint, function, input, timeout_ms)
};

/// Two nodes, of which only the first is known to the caller.
struct two_nodes {
    std::unique_ptr<runtime::node> near = start_node();
    std::unique_ptr<runtime::node> far = start_node();
    client caller = std::move(client::connect(near->endpoints().front()).value());

    [[nodiscard]] elsewhere ask(std::string function, std::string input,
                                std::uint64_t timeout_ms = 0) const {
        return {far->endpoints().front(), std::move(function), std::move(input), timeout_ms};
    }
};

}  // namespace

TEST_CASE("a function awaits a call to another node, with its result and its error") {
    two_nodes nodes;
    const auto told =
        nodes.caller.invoke<std::string>("faults/ask_elsewhere", nodes.ask("bench/echo", "hello"));
    CHECK(told == "hello");
    const auto refused =
        nodes.caller.invoke<std::string>("faults/ask_elsewhere", nodes.ask("no/such", ""));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::failed);
    CHECK(refused.error().detail.starts_with("no function no/such on this node"));
}

TEST_CASE("a call to another node carries trace and deadline of the call that it is made for") {
    two_nodes nodes;
    call_options options;
    options.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    options.timeout = 7s;
    CHECK(nodes.caller.invoke<std::string>("faults/ask_elsewhere", nodes.ask("faults/trace_of", ""),
                                           options) == options.trace);
    CHECK(nodes.caller.invoke<std::string>("faults/ask_elsewhere",
                                           nodes.ask("faults/remaining", " s"), options) == "7 s");
    // Less may be asked for, more may not.
    CHECK(nodes.caller.invoke<std::string>(
              "faults/ask_elsewhere", nodes.ask("faults/remaining", " s", 3000), options) == "3 s");
    CHECK(nodes.caller.invoke<std::string>("faults/ask_elsewhere",
                                           nodes.ask("faults/remaining", " s", 60'000),
                                           options) == "7 s");
}

TEST_CASE("withdrawing a call withdraws what it awaits on another node") {
    two_nodes nodes;
    auto far = client::connect(nodes.far->endpoints().front());
    REQUIRE(far);
    std::promise<result<std::string>> ended;
    const auto ticket = nodes.caller.async_invoke<std::string>(
        "faults/ask_elsewhere", nodes.ask("faults/nap_until_stopped", "far nap"), {},
        [&](result<std::string> reply) { ended.set_value(std::move(reply)); });
    REQUIRE(far->invoke<bool>("faults/wait_for", awaited{"far nap in"}) == true);
    nodes.caller.cancel(ticket);
    CHECK(ended.get_future().get().error().code == errc::cancelled);
    CHECK(far->invoke<bool>("faults/wait_for", awaited{"far nap out"}) == true);
}

TEST_CASE("a node that stops ends what its functions await on another node") {
    two_nodes nodes;
    auto far = client::connect(nodes.far->endpoints().front());
    REQUIRE(far);
    auto config = node_settings();
    config.drain_timeout = 10ms;
    auto leaving = start_node(config);
    auto caller = client::connect(leaving->endpoints().front());
    REQUIRE(caller);
    auto waits = caller->async_invoke<std::string>(
        "faults/ask_elsewhere", nodes.ask("faults/nap_until_stopped", "left nap"));
    REQUIRE(far->invoke<bool>("faults/wait_for", awaited{"left nap in"}) == true);
    CHECK(leaving->stop() == 1);
    CHECK(waits.get().error().code == errc::unavailable);
    CHECK(far->invoke<bool>("faults/wait_for", awaited{"left nap out"}) == true);
}
