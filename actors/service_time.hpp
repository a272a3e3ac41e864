// SPDX-License-Identifier: Apache-2.0
//
// How long one invocation of a function holds its thread, predicted from how long it did.
//
// An exponentially weighted moving average; the first sample counts whole, so one long call is
// enough to know that a function is long. Written by whichever thread ran the function, read by
// all; a lost update under a race costs a little accuracy and nothing else.
#pragma once

#include <atomic>
#include <cstdint>

namespace dunlin::actors {

class service_time {
public:
    /// `count` invocations held a thread for `total_ns` together.
    void record(std::int64_t total_ns, std::uint32_t count) noexcept {
        if (count == 0) return;
        const std::int64_t sample = total_ns / count;
        const std::int64_t before = average_ns_.load(std::memory_order_relaxed);
        average_ns_.store(before == unmeasured ? sample : before + (sample - before) / weight,
                          std::memory_order_relaxed);
    }
    /// A call still runs and has held its thread this long already.
    void record_at_least(std::int64_t held_ns) noexcept {
        if (predicted_ns() < held_ns) average_ns_.store(held_ns, std::memory_order_relaxed);
    }
    [[nodiscard]] bool measured() const noexcept {
        return average_ns_.load(std::memory_order_relaxed) != unmeasured;
    }
    /// Zero until measured.
    [[nodiscard]] std::int64_t predicted_ns() const noexcept {
        const auto average = average_ns_.load(std::memory_order_relaxed);
        return average == unmeasured ? 0 : average;
    }

private:
    static constexpr std::int64_t unmeasured = -1;
    static constexpr std::int64_t weight = 8;
    std::atomic<std::int64_t> average_ns_{unmeasured};
};

}  // namespace dunlin::actors
