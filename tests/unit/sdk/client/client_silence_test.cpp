// SPDX-License-Identifier: Apache-2.0
//
// Nodes that hang, or are cut off: their connections stand, and nothing comes.
#include "fake_cluster.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <future>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using namespace std::chrono_literals;

namespace {

// Calls that a node which hangs has got, and the answers of all.
std::vector<result<int>> call_past(client& c, fake_cluster& cluster, std::size_t hangs,
                                   std::string_view function) {
    const auto hung = cluster[hangs].hang();
    std::vector<std::future<result<int>>> calls;
    for (int i = 0; i < 200; ++i) calls.push_back(c.async_invoke<int>(function, i));
    wait_until(
        [&] {
            for (std::size_t node = 0; node < cluster.size(); ++node) {
                if (node != hangs) cluster[node].answer_held();
            }
            return c.stats().in_flight == 0;
        },
        "calls that a node keeps which does not answer");
    std::vector<result<int>> ended;
    for (auto& each : calls) ended.push_back(each.get());
    return ended;
}

}  // namespace

TEST_CASE("a node that hangs is given up, and its calls that may run twice go elsewhere") {
    fake_cluster cluster(3);
    auto c = cluster.connected({.silence_max = 300ms});
    const auto ended = call_past(c, cluster, 1, "t/hold_again");
    for (std::size_t i = 0; i < ended.size(); ++i) CHECK(ended[i].value() == static_cast<int>(i));
    CHECK(c.stats().retries > 0);
    CHECK(c.stats().failures == 0);
}

TEST_CASE("calls that may not run twice end as unavailable when their node hangs") {
    fake_cluster cluster(3);
    auto c = cluster.connected({.silence_max = 300ms});
    const auto ended = call_past(c, cluster, 1, "t/hold");
    std::size_t lost = 0;
    for (std::size_t i = 0; i < ended.size(); ++i) {
        if (ended[i]) {
            CHECK(ended[i].value() == static_cast<int>(i));
            continue;
        }
        ++lost;
        CHECK(ended[i].error() ==
              error{errc::unavailable, "no answer from t/hold, it may have run: lost node n2 at " +
                                           cluster[1].endpoint() +
                                           ": it does not answer, and the connection is silent"});
    }
    CHECK(lost > 0);
    CHECK(c.stats().failures == lost);
}

TEST_CASE("client asks a node that the others do not name any more, and gives it up for silence") {
    fake_cluster cluster(3);
    auto c = cluster.connected();
    const auto hung = cluster[2].hang();
    // No call is needed to find out.
    const std::vector<fake_node::known_member> without{cluster[0].as_member(),
                                                       cluster[1].as_member()};
    cluster[0].tell_members(100, without);
    cluster[1].tell_members(100, without);
    cluster.wait_for_nodes(c, 2);
    CHECK(c.stats().failures == 0);
}

TEST_CASE("client checks how long nodes may be silent") {
    fake_cluster cluster(1);
    const auto refused =
        client::connect({.endpoints = {cluster[0].endpoint()}, .silence_max = -1ms});
    CHECK(refused.error() ==
          error{errc::invalid_argument,
                "client_options::silence_max must be from 0, for never, to an hour"});
}
