// SPDX-License-Identifier: Apache-2.0
//
// What becomes of calls whose node dies, refuses or is late.
#include "fake_cluster.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using namespace std::chrono_literals;

namespace {

using futures = std::vector<std::future<result<int>>>;

// Starts calls until every node holds some.
futures hold_everywhere(client& c, fake_cluster& cluster, std::string_view function) {
    futures calls;
    wait_until(
        [&] {
            calls.push_back(c.async_invoke<int>(function, static_cast<int>(calls.size())));
            std::size_t held = 0;
            std::size_t empty = 0;
            // One at a time, so that no choice is made for many of them.
            while (held < calls.size()) {
                held = empty = 0;
                for (std::size_t i = 0; i < cluster.size(); ++i) {
                    const auto count = cluster.seen(i).calls.size();
                    held += count;
                    empty += count == 0 ? 1 : 0;
                }
            }
            return empty == 0 && calls.size() >= 30;
        },
        "a node that never gets a call");
    return calls;
}

void answer_all(client& c, fake_cluster& cluster) {
    wait_until(
        [&] {
            cluster.answer_held();
            return c.stats().in_flight == 0;
        },
        "calls that have no answer");
}

}  // namespace

TEST_CASE("calls of an idempotent function are all answered when their node dies") {
    fake_cluster cluster(3);
    auto c = cluster.connected();
    auto calls = hold_everywhere(c, cluster, "t/hold_again");
    const auto lost = cluster.seen(1).calls;
    cluster.kill(1);
    answer_all(c, cluster);
    for (std::size_t i = 0; i < calls.size(); ++i)
        CHECK(calls[i].get().value() == static_cast<int>(i));
    CHECK(c.stats().retries == lost.size());
    CHECK(c.stats().failures == 0);
}

TEST_CASE("a call that is sent again keeps its origin, counts its attempts and has less to go") {
    fake_cluster cluster(2);
    auto c = cluster.connected();
    auto calls = hold_everywhere(c, cluster, "t/hold_again");
    const auto lost = cluster.seen(1).calls.front();
    CHECK(lost.attempt == 0);
    CHECK(lost.retries_left == 2);
    cluster.kill(1);
    const auto has_it = [&](const fake_node::seen& seen) {
        return std::any_of(seen.calls.begin(), seen.calls.end(), [&](const auto& each) {
            return each.origin_id == lost.origin_id && each.origin == lost.origin &&
                   each.attempt == 1 && each.retries_left == 1 && each.id != lost.id;
        });
    };
    cluster[0].wait_for(has_it, "the lost call again");
    answer_all(c, cluster);
    for (auto& each : calls) CHECK(each.get());
}

TEST_CASE("a call of which an attempt may have run is not said not to have run") {
    fake_cluster cluster(2);
    auto c = cluster.connected();
    auto calls = hold_everywhere(c, cluster, "t/hold_again");
    const auto lost = cluster.seen(1).calls.front();
    const auto number = decode<std::size_t>(lost.payload).value();
    cluster.kill(1);
    wait_until(
        [&] {
            for (const auto& each : cluster.seen(0).calls) {
                if (each.origin_id != lost.origin_id) continue;
                cluster[0].tell(each.peer,
                                wire::failure{.id = each.id,
                                              .code = static_cast<std::int64_t>(errc::overloaded),
                                              .detail = "queue full",
                                              .did_not_run = true});
            }
            return calls[number].wait_for(0s) == std::future_status::ready;
        },
        "the end of a call that is refused after an attempt was lost");
    const auto ended = calls[number].get();
    CHECK(ended.error().code == errc::unavailable);
    CHECK_FALSE(ended.error().did_not_run);
    CHECK(ended.error().detail == "queue full; an earlier attempt of the call may have run");
    answer_all(c, cluster);
}

TEST_CASE("a copy of a late call goes to another node, and its answer counts") {
    fake_cluster cluster(2);
    auto c = cluster.connected();
    const call_options hedged{.hedge = true};
    // Both functions: what is usual has to be known before anything is late.
    for (int i = 0; i < 300; ++i) {
        auto usual = c.async_invoke<int>("t/hold_again", i, hedged);
        wait_until(
            [&] {
                cluster.answer_held();
                return usual.wait_for(0s) == std::future_status::ready;
            },
            "an answer");
        REQUIRE(usual.get().value() == i);
    }
    const auto before = c.stats().hedges;
    const auto cancels = [&] { return cluster.seen(0).cancels + cluster.seen(1).cancels; };
    const auto cancels_before = cancels();
    call_info info;
    auto late = c.async_invoke<int>("t/hold_again", 7, {.hedge = true, .info = &info});
    const auto first =
        cluster[0]
            .wait_for([&](auto& seen) { return seen.calls.size() == 1; }, "the call or its copy")
            .calls.front();
    const auto second = cluster[1].wait_for_held(1).calls.front();
    CHECK(first.origin_id == second.origin_id);
    CHECK(first.attempt + second.attempt == 1);
    CHECK(c.stats().hedges == before + 1);
    const std::size_t winner = first.attempt == 1 ? 0 : 1;
    // What the loser says of its own attempt is not said of the answer.
    const auto frames_before = c.stats().frames_received;
    const auto& lost = winner == 0 ? second : first;
    cluster[1 - winner].tell(lost.peer, wire::cold{lost.id});
    wait_until([&] { return c.stats().frames_received > frames_before; }, "what the loser says");
    cluster[winner].answer_held();
    CHECK(late.get().value() == 7);
    CHECK_FALSE(info.cold_start);
    wait_until([&] { return cancels() == cancels_before + 1; }, "the loser is never cancelled");
    CHECK(c.stats().in_flight == 0);
    // The loser's answer finds nobody.
    cluster[1 - winner].answer_held();
    CHECK(c.invoke<int>("t/echo", 8).value() == 8);
}
