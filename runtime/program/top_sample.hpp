// SPDX-License-Identifier: Apache-2.0
//
// What a node has counted at one moment, as `dunlin/stats` answers, and what two such moments say
// of the time between them.
//
// Counters only rise while a process lives. One that has gone back belongs to a process that was
// started anew, so it has counted since then, and all of it is new. Pure; any thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace dunlin::program {

/// Calls by how long they took: the longest time that a bucket counts, in us, and the count.
using latency_buckets = std::map<double, std::uint64_t>;

struct function_sample {
    std::uint64_t invocations = 0;  // run since the start
    std::uint64_t refused = 0;      // since the start
    std::uint64_t queue_depth = 0;  // now
    latency_buckets latency = {};   // since the start
    std::uint64_t stuck = 0;        // now
};

struct node_sample {
    std::string node;
    std::uint64_t calls_open = 0;  // now
    std::uint64_t forwarded = 0;   // since the start
    std::uint64_t retried = 0;     // since the start
    double busy = 0;               // of late, 0 to 1
    /// By name, without those of the node itself (`dunlin/...`): who looks would see himself.
    std::map<std::string, function_sample> functions = {};
};

/// Errors: `internal` for what is no map of figures.
[[nodiscard]] result<node_sample> read_sample(bytes_view payload);

/// How much a counter has grown.
[[nodiscard]] constexpr std::uint64_t grown(std::uint64_t before, std::uint64_t now) noexcept {
    return now >= before ? now - before : now;
}

/// The same for every bucket. Empty ones are left out.
[[nodiscard]] latency_buckets grown(const latency_buckets& before, const latency_buckets& now);

/// The time in us that the given part of the calls, above 0 and up to 1, did not exceed: the upper
/// end of its bucket. 0 when there was no call.
[[nodiscard]] double quantile_us(const latency_buckets& counted, double part) noexcept;

}  // namespace dunlin::program
