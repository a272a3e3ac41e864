// SPDX-License-Identifier: Apache-2.0
//
// How many calls of a blocking function are worth running at a time.
//
// A function that waits gains from each further thread, one that computes gains nothing beyond the
// cores: its calls only take turns, each is longer under way, and all other work suffers. Which of
// the two a function is shows in the processor time of its threads, whatever it was declared. While
// its calls together use nearly all cores the number falls, by a quarter for each window down to
// the cores; while they leave a good part unused and the number is what holds them back, it rises,
// by half (additive-increase schemes are too slow for a burst, and a wrong step up costs one
// window). Between the two it stays. Nothing is known of a function that has not ended a call yet:
// it may have as many as there may be. Pure: times are handed in. Owned by a pool and guarded by
// its lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace dunlin::actors {

class useful_concurrency {
public:
    /// Shorter windows would measure single calls.
    static constexpr std::int64_t window_ns_min = 20'000'000;
    /// Of the cores' time.
    static constexpr double saturated_share = 0.9;
    static constexpr double unused_share = 0.7;
    /// A window that lasts so many times longer than it had to says nothing of concurrency.
    static constexpr std::int64_t pause_windows = 8;

    useful_concurrency(std::size_t cores, std::size_t most) noexcept
        : cores_(std::max<std::size_t>(cores, 1)),
          most_(std::max(most, cores_)),
          value_(most_) {}

    [[nodiscard]] std::size_t value() const noexcept { return value_; }

    /// A call has ended that was under way for `wall_ns` and used a processor for `processor_ns`
    /// of it. `existing`: activations now.
    /// @returns whether the value has changed.
    bool ended(std::int64_t wall_ns, std::int64_t processor_ns, std::size_t existing,
               std::int64_t now_ns) noexcept {
        // The first end opens a window and counts for none: what it used was used before.
        if (began_ns_ == unset) {
            began_ns_ = now_ns;
            return false;
        }
        ++ends_;
        wall_sum_ns_ += std::max<std::int64_t>(wall_ns, 0);
        processor_sum_ns_ += std::max<std::int64_t>(processor_ns, 0);
        const auto mean_wall_ns = wall_sum_ns_ / ends_;
        const auto window_ns = now_ns - began_ns_;
        const auto least_ns = std::max(window_ns_min, mean_wall_ns);
        if (window_ns < least_ns) return false;
        began_ns_ = now_ns;
        const auto used = static_cast<double>(processor_sum_ns_) /
                          (static_cast<double>(window_ns) * static_cast<double>(cores_));
        ends_ = 0;
        wall_sum_ns_ = 0;
        processor_sum_ns_ = 0;
        const auto before = value_;
        if (window_ns / pause_windows > least_ns) return false;  // nobody called for most of it
        if (used >= saturated_share && existing > cores_)
            value_ = std::max(cores_, std::min(existing, value_) * 3 / 4);
        else if (used < unused_share && existing >= value_)
            value_ = std::min(most_, value_ + value_ / 2 + 1);
        return value_ != before;
    }

private:
    static constexpr auto unset = std::numeric_limits<std::int64_t>::min();

    std::size_t cores_;
    std::size_t most_;
    std::size_t value_;
    // Of this window.
    std::int64_t ends_ = 0;
    std::int64_t began_ns_ = unset;
    std::int64_t wall_sum_ns_ = 0;
    std::int64_t processor_sum_ns_ = 0;
};

}  // namespace dunlin::actors
