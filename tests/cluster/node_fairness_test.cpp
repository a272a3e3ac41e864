// SPDX-License-Identifier: Apache-2.0
//
// Functions beside each other in one node: none keeps the others from running.
#include "tests/cluster/node_harness.hpp"
#include "tests/cluster/raw_client.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

/// Calls a function that holds its thread until the node runs it off its lanes.
void warm_up(raw_client& client, const std::string& function) {
    for (int i = 0; i < 100; ++i) {
        REQUIRE(client.call(function, std::uint32_t{20}).ok);
        if (client.function(function).at("placement") == "scheduler") return;
    }
    FAIL(function << " is still run on a lane");
}

/// Keeps so many calls of a function under way.
class closed_loop {
public:
    closed_loop(raw_client& client, std::string function, std::size_t width)
        : client_(client),
          function_(std::move(function)) {
        while (open_.size() < width) open_.push_back(client_.invoke(function_, std::uint32_t{20}));
    }
    /// Replaces what has been answered.
    void refill() {
        for (auto& id : open_) {
            if (client_.is_open(id)) continue;
            REQUIRE(client_.answers[id].front().ok);
            ++answered_;
            id = client_.invoke(function_, std::uint32_t{20});
        }
    }
    void finish() {
        for (const auto id : open_) REQUIRE(client_.wait(id, function_).ok);
    }
    [[nodiscard]] int answered() const noexcept { return answered_; }

private:
    raw_client& client_;
    std::string function_;
    std::vector<std::uint64_t> open_;
    int answered_ = 0;
};

}  // namespace

TEST_CASE("a function that keeps all threads busy takes turns with the others") {
    auto config = node_settings();
    config.activations = 8;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    warm_up(client, "faults/hold");
    warm_up(client, "faults/hold_too");
    const auto began = clock_type::now();
    closed_loop busy(client, "faults/hold", 16);
    std::vector<clock_type::duration> taken;
    while (taken.size() < 15) {
        const auto asked = clock_type::now();
        const auto other = client.invoke("faults/hold_too", std::uint32_t{20});
        client.wait_until(
            [&] {
                busy.refill();
                return !client.is_open(other);
            },
            "a call beside a busy function");
        REQUIRE(client.answers[other].front().ok);
        taken.push_back(clock_type::now() - asked);
    }
    const std::chrono::duration<double> all = clock_type::now() - began;
    busy.finish();
    std::sort(taken.begin(), taken.end());
    const auto median = std::chrono::duration_cast<std::chrono::milliseconds>(taken[7]).count();
    INFO("median_ms=" << median << " busy_per_second=" << busy.answered() / all.count());
    // Eight activations take turns on two threads, so it waits for four turns of 20 ms.
    CHECK(median < 500);
    // The busy one has all the rest: two threads do a hundred a second.
    CHECK(busy.answered() > 20 * all.count());
}

TEST_CASE("functions that never return take neither the others' threads nor go unnoticed") {
    auto config = node_settings();
    config.activations = 4;  // so many threads may one function hold; the scheduler has two
    config.drain_timeout = 0ms;
    const auto node = start_node(config);
    raw_client client(node->endpoints().front());
    warm_up(client, "faults/hold");
    std::vector<std::uint64_t> stuck;
    for (int i = 0; i < 4; ++i)
        stuck.push_back(client.invoke("faults/stay", std::string("never"), 3'000'000));
    client.await_event("never in", 4);
    std::vector<std::uint64_t> others;
    for (int i = 0; i < 8; ++i) others.push_back(client.invoke("faults/hold", std::uint32_t{20}));
    for (const auto id : others) CHECK(client.wait(id, "a call beside those stuck").ok);
    for (const auto id : stuck)
        CHECK(client.wait(id, "a call that never returns").code == errc::deadline_exceeded);
    client.wait_for_stat("calls_stuck", 4);
    CHECK(client.function("faults/stay").at("stuck") == 4);
    CHECK(client.function("faults/hold").at("stuck") == 0);
    CHECK(client.stats().at("scheduler_threads") == 2);
    CHECK(client.stats().at("scheduler_threads_replaced") > 0);
    const auto other = start_node();
    raw_client opening(other->endpoints().front());
    CHECK(opening.call("faults/happen", std::string("never")).ok);
    client.wait_for_stat("calls_stuck", [](std::uint64_t left) { return left == 0; });
    client.wait_for_stat("scheduler_threads_replaced",
                         [](std::uint64_t held) { return held == 0; });
    CHECK(client.call("faults/hold", std::uint32_t{20}).ok);
}

TEST_CASE("a function that waits for itself until no activation is left is told why") {
    const auto node = start_node();  // four activations
    raw_client client(node->endpoints().front());
    CHECK(client.call("faults/recur", 3).value<int>() == 3);
    CHECK(client.call("faults/recur", 4, 300'000).text() ==
          "deadline_exceeded: no answer from faults/recur before the deadline; all 4 activations "
          "of faults/recur are taken by calls that wait themselves: raise --activations if it "
          "calls itself, or if more of its calls are to wait at a time");
    client.wait_until_idle("faults/recur");
    CHECK(client.call("faults/recur", 3).value<int>() == 3);
}
