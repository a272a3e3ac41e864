// SPDX-License-Identifier: Apache-2.0
//
// A quantile of the recent latencies, in a quarter of a kilobyte.
//
// A histogram with four buckets to each doubling: from 4 us on a quarter too high at most, and
// never too low. All counts are halved every 1024 samples, so that what was long ago fades.
// The value is found anew every 32 samples; reading it costs nothing.
// Pure. One owner, one thread.
#pragma once

#include "support/log_histogram.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace dunlin::cluster {

class latency_quantile {
public:
    /// `percent` of the samples are at most the value.
    explicit latency_quantile(std::uint32_t percent) noexcept : percent_(percent) {}

    void record(std::int64_t latency_ns) noexcept {
        ++counts_[bucket_of(latency_ns)];
        ++seen_;
        if (++held_ >= held_max) halve();
        if (seen_ % refresh_every == 0 || seen_ < refresh_every) refresh();
    }

    /// Zero before the first sample.
    [[nodiscard]] std::int64_t value_ns() const noexcept { return value_ns_; }
    /// Ever recorded.
    [[nodiscard]] std::uint64_t samples() const noexcept { return seen_; }

private:
    static constexpr std::uint32_t held_max = 1024;
    static constexpr std::uint32_t refresh_every = 32;
    static constexpr int unit_bits = 10;  // the first buckets are of about 1 us
    static constexpr std::size_t buckets = 112;
    using scale = support::log_scale<3>;

    [[nodiscard]] static std::size_t bucket_of(std::int64_t latency_ns) noexcept {
        const auto units = std::max<std::int64_t>(latency_ns, 0) >> unit_bits;
        return std::min(scale::index_of(static_cast<std::uint64_t>(units)), buckets - 1);
    }
    /// The first latency above the bucket.
    [[nodiscard]] static std::int64_t end_of(std::size_t bucket) noexcept {
        return static_cast<std::int64_t>(scale::lowest_of(bucket) + scale::width_of(bucket))
               << unit_bits;
    }

    void halve() noexcept {
        held_ = 0;
        for (auto& count : counts_) held_ += count /= 2;
    }
    void refresh() noexcept {
        // Rounded up: of one sample, that one.
        const auto wanted = (held_ * percent_ + 99) / 100;
        std::uint32_t below = 0;
        for (std::size_t i = 0; i < buckets; ++i) {
            below += counts_[i];
            if (below >= wanted && below > 0) {
                value_ns_ = end_of(i);
                return;
            }
        }
    }

    std::array<std::uint16_t, buckets> counts_{};
    std::uint32_t held_ = 0;
    std::uint32_t percent_;
    std::uint64_t seen_ = 0;
    std::int64_t value_ns_ = 0;
};

}  // namespace dunlin::cluster
