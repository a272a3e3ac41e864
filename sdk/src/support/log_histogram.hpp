// SPDX-License-Identifier: Apache-2.0
//
// A log-linear histogram: any number of values in fixed memory, with quantiles of bounded error.
//
// Values below 2^Bits have a counter each; above, every power of two is divided into 2^(Bits-1)
// counters of equal width, so a value is known to one part in 2^(Bits-1). Recording is a shift and
// an increment, so it does not disturb what it measures. `log_scale` is the numbering alone, for
// those who keep the counters themselves. Plain value; one thread records.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::support {

template <unsigned Bits>
struct log_scale {
    static constexpr std::size_t parts = std::size_t{1} << (Bits - 1);  // of each doubling
    static constexpr std::size_t counters = (64 - Bits + 2) * parts;

    // The leading bits say where a value goes; the shift says how many it loses.
    [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t value) noexcept {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        const unsigned shift = width > Bits ? width - Bits : 0;
        return shift * parts + static_cast<std::size_t>(value >> shift);
    }
    [[nodiscard]] static constexpr std::uint64_t width_of(std::size_t index) noexcept {
        return std::uint64_t{1} << shift_of(index);
    }
    [[nodiscard]] static constexpr std::uint64_t lowest_of(std::size_t index) noexcept {
        return std::uint64_t{index - shift_of(index) * parts} << shift_of(index);
    }

private:
    static constexpr std::size_t shift_of(std::size_t index) noexcept {
        return index < 2 * parts ? 0 : index / parts - 1;
    }
};

/// With quantiles less than half a percent off.
class log_histogram {
public:
    void record(std::uint64_t value) noexcept {
        ++counters_[scale::index_of(value)];
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
            if (seen >= rank) return std::min(scale::lowest_of(i) + scale::width_of(i) / 2, max_);
        }
        return max_;
    }

    void add(const log_histogram& other) noexcept {
        for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i] += other.counters_[i];
        count_ += other.count_;
        sum_ += other.sum_;
        max_ = std::max(max_, other.max_);
    }

private:
    using scale = log_scale<8>;
    std::vector<std::uint64_t> counters_ = std::vector<std::uint64_t>(scale::counters);
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace dunlin::support
