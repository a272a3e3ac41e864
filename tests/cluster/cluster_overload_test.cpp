// SPDX-License-Identifier: Apache-2.0
//
// What a client makes of a node that refuses: that is about one function, so calls of others still
// go there.
#include "cluster/rendezvous.hpp"
#include "tests/cluster/cluster_harness.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto beside = "bench/echo";

std::uint64_t weight_of(std::string_view node) {
    return cluster::mix(cluster::name_hash(beside) + cluster::name_hash(node));
}

}  // namespace

TEST_CASE("a flooded function turns no call of another one away from its node", "[alone]") {
    // The one where the quiet function is warm is flooded, and alone serves what it is flooded
    // with.
    std::string flooded = "n1";
    std::string other = "n2";
    if (weight_of(flooded) < weight_of(other)) std::swap(flooded, other);
    auto config = member_settings(flooded);
    config.activations = 1;
    config.queue_depth_max = 1;
    const auto first = start_node(config);
    config = member_settings(other, {at(*first)});
    config.modules = {module_file("bench")};
    const auto second = start_node(config);
    wait_until_together({first.get(), second.get()});
    raw_client ops(at(*first));
    auto client = dunlin::client::connect(at(*first)).value();
    ask_until(
        [&] { return client.invoke<int>(beside, 1).has_value() && client.stats().nodes == 2; },
        "connections to both ", "nodes");
    const auto before = runs(*second, beside);

    std::vector<std::future<result<std::string>>> held;
    const auto flood = [&] {
        return client.async_invoke<std::string>("faults/block", std::string("beside"));
    };
    held.push_back(flood());
    ops.await_event("beside in");
    held.push_back(flood());
    constexpr int calls = 100;
    int refused = 0;
    for (int i = 0; i < calls; ++i) {
        const auto more = flood().get();
        REQUIRE_FALSE(more);
        CHECK(more.error().code == errc::overloaded);
        CHECK(more.error().retry_after > 0us);
        CHECK_THAT(more.error().detail, Catch::Contains("dunlin explain faults/block --record "));
        ++refused;
        CHECK(client.invoke<int>(beside, i) == i);
    }
    CHECK(refused == calls);
    CHECK(runs(*second, beside) == before);
    // There is no other node for the refused ones, so each was sent once.
    CHECK(client.stats().retries == 0);
    CHECK(ops.call("faults/happen", std::string("beside")).ok);
    for (auto& each : held) CHECK(each.get());
}
