// SPDX-License-Identifier: Apache-2.0
//
// How long calls took, as counts in buckets that grow with the time: four for each doubling.
//
// Only ever counted up, so two looks tell what happened in between; a quantile read from
// it is at most a quarter too high. Recording is one relaxed addition. Most functions of a node
// are called seldom and take about as long each time, so the buckets are made in groups, when
// something falls into one of a group for the first time. Any thread.
#pragma once

#include "support/log_histogram.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace dunlin::actors {

class latency_counts {
public:
    /// From 1 us to 2^25 us, which is 33 s; what is longer stands in the last bucket.
    static constexpr std::size_t buckets = 4 * 25;

    latency_counts() = default;
    ~latency_counts() {
        for (auto& each : groups_) delete each.load(std::memory_order_relaxed);
    }
    latency_counts(const latency_counts&) = delete;
    latency_counts& operator=(const latency_counts&) = delete;

    void record(std::int64_t latency_ns, std::uint32_t count = 1) noexcept {
        const auto bucket = bucket_of(latency_ns);
        auto* in = groups_[bucket / group_buckets].load(std::memory_order_acquire);
        if (in == nullptr) in = make(groups_[bucket / group_buckets]);
        if (in != nullptr)
            in->at(bucket % group_buckets).fetch_add(count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept {
        const auto* in = groups_[bucket / group_buckets].load(std::memory_order_acquire);
        return in == nullptr ? 0 : in->at(bucket % group_buckets).load(std::memory_order_relaxed);
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

    static constexpr std::size_t group_buckets = 20;  // up to 32 times the shortest of them
    static_assert(buckets % group_buckets == 0);
    using group = std::array<std::atomic<std::uint64_t>, group_buckets>;

    // Where there is no memory for it, nothing is counted: that is no reason to fail a call.
    [[nodiscard]] static group* make(std::atomic<group*>& where) noexcept {
        auto* made = new (std::nothrow) group{};
        group* other = nullptr;
        if (made == nullptr || where.compare_exchange_strong(other, made)) return made;
        delete made;
        return other;
    }

    std::array<std::atomic<group*>, buckets / group_buckets> groups_{};
};

}  // namespace dunlin::actors
