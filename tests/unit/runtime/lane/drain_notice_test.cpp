// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/drain_notice.hpp"

#include "tests/unit/runtime/lane/lane_parts.hpp"

#include <limits>

using namespace dunlin;
using namespace dunlin::runtime;
using namespace std::chrono_literals;

TEST_CASE("peers hear of a drain and are asked whether they did, and count until they say so") {
    lane_parts at;
    drain_notice notice(at.out, at.counters, at.clock.now_ns());
    auto& knows = at.connect("knows");
    auto& silent = at.connect("silent");
    notice.tend();
    CHECK(at.counters.draining.get() == 0);
    CHECK(notice.due_ns() == std::numeric_limits<std::int64_t>::max());
    notice.begin();
    CHECK(notice.begun());
    CHECK(notice.due_ns() == at.clock.now_ns() + drain_notice::grace_ns);
    const auto told = at.told("knows");
    REQUIRE(told.size() == 2);
    CHECK_THAT(told[0], Catch::StartsWith("goaway"));
    CHECK(told[1] == "ping " + std::to_string(drain_token));
    notice.tend();
    CHECK(at.counters.peers_unaware.get() == 2);
    CHECK(at.counters.draining.get() == 1);
    at.send("knows", wire::pong{drain_token});
    notice.tend();
    CHECK_FALSE(knows.drain_due);
    CHECK(at.counters.peers_unaware.get() == 1);
    // One that says nothing does not keep the node.
    at.advance(499ms);
    notice.tend();
    CHECK(silent.drain_due);
    at.advance(1ms);
    notice.tend();
    CHECK_FALSE(silent.drain_due);
    CHECK(at.counters.peers_unaware.get() == 0);
    CHECK(notice.due_ns() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a lane that ends without a drain waits for nobody to hear of one") {
    lane_parts at;
    drain_notice notice(at.out, at.counters, at.clock.now_ns());
    at.connect("shop").drain_due = true;
    notice.cut_short();
    notice.tend();
    CHECK(at.counters.peers_unaware.get() == 0);
    CHECK(at.told("shop").empty());
}
