// SPDX-License-Identifier: Apache-2.0
//
// For how long the activations of a pool have been occupied in all, by what has ended and by what
// still runs: the integral of the number of busy ones over time.
//
// A function that hangs must count while it hangs, and a look must not have to visit all
// activations. So a start adds one and its time to a word, an end takes both away, and a look at
// `now` multiplies: what runs has run for number times now, less the sum of the starts. Number and
// sum share one word, because a look that saw one without the other would be off by the time since
// the machine started. A look between an end's two steps counts it twice, which the next makes up
// for. Constant time, no lock. Any thread; time is handed in.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

class occupied_time {
public:
    /// As many may be busy at a time.
    static constexpr std::size_t busy_max = (std::size_t{1} << 20) - 1;

    struct look {
        std::size_t busy = 0;
        std::int64_t total_ns = 0;  // differences between looks are what counts
    };

    void start(std::int64_t began_ns) noexcept {
        running_.fetch_add(entry(began_ns), std::memory_order_relaxed);
    }
    /// `began_ns` as at the start.
    void end(std::int64_t began_ns, std::int64_t now_ns) noexcept {
        ended_ns_.fetch_add(now_ns - began_ns, std::memory_order_relaxed);
        running_.fetch_sub(entry(began_ns), std::memory_order_relaxed);
    }
    [[nodiscard]] look at(std::int64_t now_ns) const noexcept {
        const auto word = running_.load(std::memory_order_relaxed);
        const auto busy = word & busy_max;
        // The sum has lost its upper bits, and the difference has them all the same: it is less
        // than half of what 44 bits can tell, which is 18 years of activations that run now.
        const auto ages = (busy * units(now_ns) - (word >> busy_bits)) << busy_bits;
        const auto signed_units = static_cast<std::int64_t>(ages) >> busy_bits;
        // A thread may look with the time of its turn, which is before the latest start.
        const auto running_ns = std::max<std::int64_t>(signed_units, 0) << unit_bits;
        return {static_cast<std::size_t>(busy),
                ended_ns_.load(std::memory_order_relaxed) + running_ns};
    }

private:
    static constexpr unsigned busy_bits = 20;
    static constexpr unsigned unit_bits = 16;  // 66 us: what has ended is counted exactly

    [[nodiscard]] static std::uint64_t units(std::int64_t ns) noexcept {
        return static_cast<std::uint64_t>(ns) >> unit_bits;
    }
    [[nodiscard]] static std::uint64_t entry(std::int64_t began_ns) noexcept {
        return (units(began_ns) << busy_bits) + 1;
    }

    std::atomic<std::uint64_t> running_{0};
    std::atomic<std::int64_t> ended_ns_{0};
};

}  // namespace dunlin::actors
