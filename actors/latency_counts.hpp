// SPDX-License-Identifier: Apache-2.0
//
// How long calls took, as counts in buckets that grow with the time: four for each doubling.
//
// Only ever counted up, so two looks tell what happened in between; a quantile read from
// it is at most a quarter too high. Recording is one relaxed addition. Any thread.
#pragma once

#include "support/log_histogram.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

class latency_counts {
public:
    /// From 1 us to 2^25 us, which is 33 s; what is longer stands in the last bucket.
    static constexpr std::size_t buckets = 4 * 25;

    void record(std::int64_t latency_ns, std::uint32_t count = 1) noexcept {
        counts_[bucket_of(latency_ns)].fetch_add(count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept {
        return counts_[bucket].load(std::memory_order_relaxed);
    }
    /// The longest latency that the bucket counts.
    [[nodiscard]] static constexpr std::uint64_t upper_ns(std::size_t bucket) noexcept {
        return (scale::lowest_of(bucket + first) + scale::width_of(bucket + first)) * 250;
    }
    [[nodiscard]] static constexpr std::size_t bucket_of(std::int64_t latency_ns) noexcept {
        if (latency_ns <= 1000) return 0;
        const auto quarters = (static_cast<std::uint64_t>(latency_ns) - 1) * 4 / 1000;
        return std::min(scale::index_of(quarters) - first, buckets - 1);
    }

private:
    // Of quarters of microseconds, of which a microsecond is the shortest that counts.
    using scale = support::log_scale<3>;
    static constexpr std::size_t first = 4;

    std::array<std::atomic<std::uint64_t>, buckets> counts_{};
};

}  // namespace dunlin::actors
