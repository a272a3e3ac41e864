// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/forwarder.hpp"

#include "runtime/function_registry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/reserved_port.hpp"

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

struct no_calls final : forward_host {
    void forwarded_value(ledger_entry& /*entry*/, bytes_view /*payload*/) override {}
    void forwarded_error(ledger_entry& /*entry*/, error /*why*/) override {}
    bool run_here(ledger_entry& /*entry*/) override { return false; }
    void look_up(const std::string& endpoint) override { asked.push_back(endpoint); }

    std::vector<std::string> asked;
};

std::shared_ptr<const cluster_view> with_member(const std::string& endpoint) {
    auto view = std::make_shared<cluster_view>();
    view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false}, {2, "other", {endpoint}, false}};
    return view;
}

}  // namespace

TEST_CASE("a forwarder says when a link that it has just opened must have been greeted") {
    const tests::reserved_port nobody_listens;
    zmq::context_t context;
    const function_registry functions;
    ledger calls;
    no_calls host;
    lane_counters counters;
    forwarder links(context, functions, calls, host, counters, {"this", "", 1, 0, 1});
    constexpr std::int64_t began_ns = 1'000'000'000;
    links.set_view(with_member(nobody_listens.endpoint()), began_ns);
    // A lane that knows of nothing else sleeps until then, and no longer.
    const auto due_ns = links.advance(began_ns);
    CHECK(due_ns == began_ns + 2'000'000'000);
    CHECK(links.advance(due_ns) == due_ns);  // given up: closed in this turn
    CHECK(links.advance(due_ns) > due_ns);
    REQUIRE(links.links().size() == 1);
    CHECK(links.links().front()->now == peer_link::phase::waiting);
}

TEST_CASE("names of hosts are looked up, ZeroMQ gets addresses, and other links do not wait") {
    const tests::reserved_port nobody_listens;
    zmq::context_t context;
    const function_registry functions;
    ledger calls;
    no_calls host;
    lane_counters counters;
    forwarder links(context, functions, calls, host, counters, {"this", "", 1, 0, 1});
    std::int64_t now_ns = 1'000'000'000;
    const std::string name = "tcp://node.invalid:7440";
    auto view = std::make_shared<cluster_view>();
    view->members = {{2, "named", {name}, false},
                     {3, "numbered", {nobody_listens.endpoint()}, false}};
    links.set_view(view, now_ns);
    links.advance(now_ns);
    const auto& named = *links.find(2);
    REQUIRE(host.asked == std::vector<std::string>{name});
    CHECK(named.now == peer_link::phase::looking);
    CHECK(named.connection == nullptr);
    CHECK(links.find(3)->now == peer_link::phase::greeting);

    // The name server does not answer: the link waits, and tries again later.
    now_ns = named.look_until_ns;
    links.advance(now_ns);
    links.advance(now_ns);
    CHECK(named.now == peer_link::phase::waiting);
    CHECK(host.asked.size() == 1);
    // What it says after all is of use at once.
    links.found_addresses(name, {"tcp://127.0.0.1:1", nobody_listens.endpoint()}, "", now_ns);
    now_ns = named.try_at_ns;
    links.advance(now_ns);
    REQUIRE(named.now == peer_link::phase::greeting);
    CHECK(named.connection->endpoint() == "tcp://127.0.0.1:1");
    CHECK(named.endpoint == name);
    CHECK(host.asked.size() == 1);

    // Without an address the link has failed, and says why.
    links.found_addresses(name, {}, "no such host", now_ns);
    CHECK(named.now == peer_link::phase::greeting);  // it has one
}
