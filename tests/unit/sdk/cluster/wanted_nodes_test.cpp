// SPDX-License-Identifier: Apache-2.0
#include "cluster/wanted_nodes.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace dunlin::cluster;

namespace {

constexpr std::int64_t ms = 1'000'000;

node_use uses(double used) { return {.used = used}; }
node_use waits(double used, std::int64_t wait_ns) { return {.used = used, .wait_ns = wait_ns}; }
node_use refuses(double used) { return {.used = used, .refuses = true}; }
node_use drains(double used) { return {.used = used, .draining = true}; }

}  // namespace

TEST_CASE("so many nodes are wanted that each is used by its target share") {
    struct {
        std::vector<node_use> members;
        std::uint32_t wanted;
    } const table[] = {
        {{}, 1},
        {{uses(0)}, 1},
        {{uses(0), uses(0), uses(0)}, 1},
        {{uses(0.7)}, 1},
        {{uses(0.71)}, 2},
        {{uses(0.7), uses(0.7), uses(0.7)}, 3},
        {{uses(0.2), uses(0.2), uses(0.2)}, 1},
        {{uses(0.5), uses(0.5), uses(0.5)}, 3},
        {{uses(1), uses(1), uses(1)}, 5},
        // What a draining node does, others will have to do.
        {{uses(0.7), drains(0.7)}, 2},
        {{drains(0)}, 1},
        // A queue asks for what ends it within a second, and for twice the nodes at most.
        {{waits(1, 200 * ms)}, 2},
        {{waits(1, 60'000 * ms)}, 2},
        {{waits(1, 400 * ms), waits(1, 400 * ms)}, 4},
        {{waits(0.1, 0), waits(0.1, 600 * ms)}, 2},
        // Refused calls ask for one more than there are.
        {{refuses(0.1)}, 2},
        {{refuses(0.1), uses(0.1), drains(0.1)}, 3},
        {{refuses(1), uses(1), uses(1)}, 5},
    };
    for (const auto& each : table) {
        const auto got = nodes_wanted(each.members);
        INFO(got.reason);
        CHECK(got.count == each.wanted);
    }
}

TEST_CASE("the reason for the nodes that are wanted names the numbers") {
    CHECK(nodes_wanted(std::vector{uses(0.9), uses(0.85)}).reason ==
          "functions use 175% of one node's time on 2 nodes, and 70% of each is meant");
    CHECK(nodes_wanted(std::vector{waits(0.6, 900 * ms)}).reason ==
          "functions use 60% of one node's time on 1 node, and 70% of each is meant; calls queue");
    CHECK(nodes_wanted(std::vector{refuses(0.6)}).reason ==
          "functions use 60% of one node's time on 1 node, and 70% of each is meant; calls were "
          "refused");
}

TEST_CASE("the nodes that are wanted are a number whatever members tell") {
    constexpr auto longest = std::numeric_limits<std::int64_t>::max();
    for (const auto used : {std::numeric_limits<double>::quiet_NaN(), -5.0,
                            std::numeric_limits<double>::infinity()}) {
        const auto got = nodes_wanted(std::vector{waits(used, longest), waits(used, -longest)});
        CHECK(got.count >= 1);
        CHECK(got.count <= 4);
    }
}
