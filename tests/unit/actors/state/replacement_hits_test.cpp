// SPDX-License-Identifier: Apache-2.0
//
// What the policy in use has to be worth beside LRU. `./dev bench cache` shows more, on longer
// traces.
#include "actors/state/replacement_policy.hpp"
#include "tests/bench/cache/lru_policy.hpp"
#include "tests/bench/cache/replay.hpp"
#include "tests/bench/cache/traces.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin::bench;
using dunlin::actors::replacement_policy;

namespace {

constexpr trace_size short_trace{.requests = 300'000, .keys = 10'000, .seed = 7};

double points_above_lru(const cache_trace& trace) {
    replacement_policy policy(trace.budget_bytes);
    lru_policy lru(trace.budget_bytes);
    const auto in_use = hit_percentage(policy, trace);
    const auto of_lru = hit_percentage(lru, trace);
    INFO(trace.name << ": " << in_use << " %, LRU " << of_lru << " %");
    CHECK(in_use > 0);
    return in_use - of_lru;
}

}  // namespace

TEST_CASE("with a tenth of the keys in memory, Zipf's law, hits are 9 points above LRU") {
    CHECK(points_above_lru(zipf_trace(short_trace)) >= 9);
}

TEST_CASE("scans cost less hits than with LRU") {
    CHECK(points_above_lru(scan_trace(short_trace)) > 0);
}

TEST_CASE("bursts of calls of one key are no worse than with LRU") {
    for (const std::size_t side_by_side : {1U, 32U, 512U})
        CHECK(points_above_lru(burst_trace(short_trace, side_by_side)) >= 0);
}

TEST_CASE("a loop that is longer than the cache is hit, and drifting popularity is followed") {
    CHECK(points_above_lru(loop_trace(short_trace)) > 0);
    CHECK(points_above_lru(drift_trace(short_trace)) >= 0);
    CHECK(points_above_lru(mixed_trace(short_trace)) >= 0);
}
