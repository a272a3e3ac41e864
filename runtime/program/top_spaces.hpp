// SPDX-License-Identifier: Apache-2.0
//
// What goes on with the state of keyed functions: spaces over all nodes, from what these had
// counted at two moments. Part of the model of `dunlin top`. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace dunlin::program {

/// Calls by how long they took: the longest time that a bucket counts, in us, and the count.
using latency_buckets = std::map<double, std::uint64_t>;

/// Of one node, at one moment.
struct space_sample {
    std::uint64_t keys = 0;       // in memory, now
    std::uint64_t bytes = 0;      // that they take, now
    std::uint64_t waiting = 0;    // calls, for their turns, now
    bool refused = false;         // it takes no calls, now
    std::uint64_t turns = 0;      // since the start, as are those that follow
    std::uint64_t found = 0;      // calls whose key was in memory
    std::uint64_t missed = 0;     // ... was not
    std::uint64_t loads = 0;      // of keys, from the store
    std::uint64_t evicted = 0;    // keys
    std::uint64_t writes = 0;     // of keys
    std::uint64_t batches = 0;    // in which they were written
    std::uint64_t failures = 0;   // of these
    std::uint64_t conflicts = 0;  // of keys
    latency_buckets gate = {};    // how long replies waited for the store
};

/// Over all nodes that answered. Rates are per second.
struct top_space {
    std::string name;
    std::size_t nodes = 0;       // that serve it
    std::size_t refused_by = 0;  // ... and take no calls of it
    std::uint64_t keys = 0;
    std::uint64_t bytes = 0;
    std::uint64_t waiting = 0;
    std::uint64_t found = 0;   // in the last interval
    std::uint64_t missed = 0;  // in the last interval
    double turns_rate = 0;
    double loads_rate = 0;
    double evicted_rate = 0;
    double writes_rate = 0;
    double batches_rate = 0;
    double failures_rate = 0;
    double conflicts_rate = 0;
    latency_buckets gate = {};  // of the last interval
};

/// By how much a counter has grown. One that has gone back began anew.
[[nodiscard]] constexpr std::uint64_t grown(std::uint64_t before, std::uint64_t now) noexcept {
    return now >= before ? now - before : now;
}

/// What the buckets have gained, added to `to`.
void add_gained(latency_buckets& to, const latency_buckets& before, const latency_buckets& now);

/// What one node has now.
void add_now(top_space& to, const space_sample& now);
/// What it did since then.
void add_growth(top_space& to, const space_sample& before, const space_sample& now, double seconds);

}  // namespace dunlin::program
