// SPDX-License-Identifier: Apache-2.0
#include "client/node_plan.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <string>
#include <vector>

using dunlin::link::node_plan;
using namespace std::chrono_literals;
using time_point = node_plan::time_point;

namespace {

constexpr time_point start{1h};

node_plan make(std::vector<std::string> endpoints) {
    return node_plan(
        {.endpoints = std::move(endpoints), .pause_min = 20ms, .pause_max = 2s, .seed = 1});
}

}  // namespace

TEST_CASE("node plan tries all endpoints at once, then pauses before the next round") {
    auto plan = make({"a", "b"});
    const auto first = plan.next_attempt(start);
    REQUIRE(first);
    CHECK(first->endpoint == "a");
    CHECK_FALSE(plan.next_attempt(start));
    CHECK(plan.next_action() == time_point::max());
    plan.lost(first->lane, start);
    const auto second = plan.next_attempt(start);
    REQUIRE(second);
    CHECK(second->endpoint == "b");
    CHECK(plan.rounds_failed() == 0);
    plan.lost(second->lane, start);
    CHECK(plan.rounds_failed() == 1);
    CHECK_FALSE(plan.next_attempt(start));
    CHECK(plan.next_action() >= start + 10ms);
    CHECK(plan.next_action() <= start + 20ms);
    CHECK(plan.next_attempt(start + 20ms)->endpoint == "a");
}

TEST_CASE("node plan knows the lane it is connected to by its port") {
    auto plan = make({"tcp://localhost:7440"});
    const auto first = plan.next_attempt(start);
    plan.welcomed(first->lane, 0, {"tcp://127.0.0.1:7440", "tcp://127.0.0.1:50123"});
    const auto second = plan.next_attempt(start);
    REQUIRE(second);
    CHECK(second->endpoint == "tcp://127.0.0.1:50123");
    CHECK_FALSE(plan.next_attempt(start));
}

TEST_CASE("node plan connects to every lane that the node names") {
    auto plan = make({"a"});
    const auto first = plan.next_attempt(start);
    CHECK_FALSE(plan.settled());
    CHECK_FALSE(plan.welcomed(first->lane, 0, {"a", "a2", "a3"}));
    CHECK_FALSE(plan.settled());
    const auto second = plan.next_attempt(start);
    const auto third = plan.next_attempt(start);
    REQUIRE(third);
    CHECK_FALSE(plan.next_attempt(start));
    CHECK(second->endpoint == "a2");
    CHECK(third->endpoint == "a3");
    plan.welcomed(second->lane, 0, {"a", "a2", "a3"});
    plan.welcomed(third->lane, 0, {"a", "a2", "a3"});
    CHECK(plan.settled());
}

TEST_CASE("node plan keeps to its endpoint when the node has one lane by another name") {
    auto plan = make({"localhost"});
    plan.welcomed(plan.next_attempt(start)->lane, 0, {"127.0.0.1"});
    CHECK(plan.settled());
}

TEST_CASE("node plan tries a lost lane again alone while others live") {
    auto plan = make({"a", "b"});
    const auto first = plan.next_attempt(start);
    plan.welcomed(first->lane, 0, {"a", "a2"});
    const auto second = plan.next_attempt(start);
    plan.lost(second->lane, start);
    CHECK(plan.any_live());
    CHECK(plan.has(second->lane));
    CHECK_FALSE(plan.next_attempt(start + 9ms));
    CHECK(plan.next_attempt(start + 20ms)->endpoint == "a2");
}

TEST_CASE("node plan searches at the next endpoint when no lane is left") {
    auto plan = make({"a", "b"});
    const auto first = plan.next_attempt(start);
    plan.welcomed(first->lane, 0, {"a", "a2"});
    const auto second = plan.next_attempt(start);
    plan.lost(first->lane, start);
    CHECK_FALSE(plan.any_live());
    CHECK_FALSE(plan.has(second->lane));
    CHECK(plan.seeking() == "b");
    plan.lost(second->lane, start);  // of no account any more
    CHECK(plan.seeking() == "b");
    CHECK_FALSE(plan.next_attempt(start));  // all clients of that node come now: not at once
    const auto other = plan.next_attempt(start + 20ms);
    REQUIRE(other);
    CHECK(plan.welcomed(other->lane, 0, {}));
    CHECK(plan.settled());
}
