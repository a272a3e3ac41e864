// SPDX-License-Identifier: Apache-2.0
//
// Latencies of any number of calls in fixed memory, with quantiles less than half a percent off.
//
// Values below 256 have a counter each; above, every power of two is divided into 128 counters of
// equal width. Recording is a shift and an increment, so it does not disturb what it measures.
// Plain value; one thread records.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::program {

class histogram {
public:
    void record(std::uint64_t value) noexcept {
        ++counters_[index_of(value)];
        ++count_;
        sum_ += value;
        max_ = std::max(max_, value);
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    [[nodiscard]] double mean() const noexcept {
        return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
    }

    /// The value that the given part of all values, above 0 and up to 1, does not exceed: the
    /// middle of its counter's range, and never more than `max`. 0 when nothing was recorded.
    [[nodiscard]] std::uint64_t quantile(double part) const noexcept {
        if (count_ == 0) return 0;
        const auto rank = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_))));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counters_.size(); ++i) {
            seen += counters_[i];
            if (seen >= rank) return std::min(middle_of(i), max_);
        }
        return max_;
    }

    void add(const histogram& other) noexcept {
        for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i] += other.counters_[i];
        count_ += other.count_;
        sum_ += other.sum_;
        max_ = std::max(max_, other.max_);
    }

private:
    static constexpr unsigned exact_bits = 8;
    static constexpr std::size_t part_count = std::size_t{1} << (exact_bits - 1);
    static constexpr std::size_t counter_count = (64 - exact_bits + 2) * part_count;

    // The eight leading bits say where a value goes; `shift` says how many it loses.
    static std::size_t index_of(std::uint64_t value) noexcept {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        const unsigned shift = width > exact_bits ? width - exact_bits : 0;
        return shift * part_count + static_cast<std::size_t>(value >> shift);
    }
    static std::uint64_t middle_of(std::size_t index) noexcept {
        if (index < 2 * part_count) return index;
        const auto shift = static_cast<unsigned>(index / part_count - 1);
        const std::uint64_t lowest = std::uint64_t{index - shift * part_count} << shift;
        return lowest + (std::uint64_t{1} << shift) / 2;
    }

    std::vector<std::uint64_t> counters_ = std::vector<std::uint64_t>(counter_count);
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace dunlin::program
