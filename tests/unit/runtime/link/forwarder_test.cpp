// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/forwarder.hpp"

#include "runtime/function_registry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/reserved_port.hpp"

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

struct no_calls final : forward_host {
    void forwarded_value(ledger_entry& /*entry*/, bytes_view /*payload*/) override {}
    void forwarded_error(ledger_entry& /*entry*/, error /*why*/) override {}
    bool run_here(ledger_entry& /*entry*/) override { return false; }
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
