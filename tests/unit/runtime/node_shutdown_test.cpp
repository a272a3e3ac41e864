// SPDX-License-Identifier: Apache-2.0
#include "runtime/node_shutdown.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <cstdint>

using dunlin::runtime::node_shutdown;
using namespace std::chrono_literals;

namespace {

/// A node whose calls end when the time has come.
struct timed_node : dunlin::actors::steady_time {
    [[nodiscard]] std::int64_t now_ns() const noexcept override { return now; }
    [[nodiscard]] node_shutdown stops() {
        return {*this,
                [this] {
                    ++looks;
                    return node_shutdown::state{now >= told_ns, now >= answered_ns ? 0U : 3U,
                                                now >= returned_ns ? 0U : 1U,
                                                now >= freed_ns ? 0U : 1U, now >= offered_ns};
                },
                [this](std::chrono::nanoseconds pause) { now += pause.count(); }};
    }

    std::int64_t now = 1'000'000'000;
    const std::int64_t began = now;
    std::int64_t told_ns = 0;
    std::int64_t answered_ns = 0;
    std::int64_t returned_ns = 0;
    std::int64_t freed_ns = 0;
    std::int64_t offered_ns = 0;
    int looks = 0;
};

}  // namespace

TEST_CASE("a node that has nothing to finish does not wait") {
    timed_node node;
    CHECK(node.stops().drained(10s));
    CHECK(node.stops().returned());
    CHECK(node.now == node.began);
    CHECK(node.looks == 3);
}

TEST_CASE("keys are offered when a node has drained, and keep it for a fifth of a second at most") {
    timed_node node;
    node.answered_ns = node.began + 30'000'000;
    SECTION("they are") {
        node.offered_ns = node.began + 50'000'000;
        CHECK(node.stops().drained(10s));
        CHECK(node.now == node.offered_ns);
    }
    SECTION("they are not") {
        node.offered_ns = node.began + 1'000'000'000;
        CHECK(node.stops().drained(10s));
        CHECK(node.now == node.answered_ns + 200'000'000);
    }
    SECTION("nor is there much patience left") {
        node.offered_ns = node.began + 1'000'000'000;
        CHECK(node.stops().drained(100ms));
        CHECK(node.now == node.began + 100'000'000);
    }
}

TEST_CASE("a node drains until its peers know, its calls are answered and its functions returned") {
    timed_node node;
    const auto last =
        GENERATE(&timed_node::told_ns, &timed_node::answered_ns, &timed_node::returned_ns);
    node.*last = node.began + 30'000'000;
    CHECK(node.stops().drained(10s));
    CHECK(node.now == node.began + 30'000'000);
}

TEST_CASE("a node's patience ends, and at once when it has none") {
    timed_node node;
    node.answered_ns = node.began + 1'000'000'000;
    const auto patience = GENERATE(0ms, 100ms);
    CHECK_FALSE(node.stops().drained(patience));
    CHECK(node.now - node.began == std::chrono::nanoseconds(patience).count());
}

TEST_CASE("functions have half a second to return, and threads that lost their lane to end") {
    timed_node node;
    const auto last = GENERATE(&timed_node::returned_ns, &timed_node::freed_ns);
    SECTION("they do") {
        node.*last = node.began + 499'000'000;
        CHECK(node.stops().returned());
    }
    SECTION("they do not") {
        node.*last = node.began + 501'000'000;
        CHECK_FALSE(node.stops().returned());
        CHECK(node.now == node.began + 500'000'000);
    }
}
