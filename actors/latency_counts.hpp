// SPDX-License-Identifier: Apache-2.0
//
// How long calls took, as counts in buckets that grow with the time: four for each doubling.
//
// Only ever counted up, so whoever looks twice knows what happened in between; a quantile read from
// it is at most a quarter too high. Recording is one relaxed addition. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <bit>
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
        return (std::uint64_t{250} << (bucket / 4)) * (5 + bucket % 4);
    }
    [[nodiscard]] static constexpr std::size_t bucket_of(std::int64_t latency_ns) noexcept {
        if (latency_ns <= 1000) return 0;
        // Quarters of microseconds: the two bits below the highest tell which quarter of a
        // doubling.
        const auto quarters = (static_cast<std::uint64_t>(latency_ns) - 1) * 4 / 1000;
        const auto octave = static_cast<std::size_t>(std::bit_width(quarters)) - 3;
        const auto bucket = octave * 4 + ((quarters >> octave) & 3);
        return bucket < buckets ? bucket : buckets - 1;
    }

private:
    std::array<std::atomic<std::uint64_t>, buckets> counts_{};
};

}  // namespace dunlin::actors
