// SPDX-License-Identifier: Apache-2.0
//
// For how long things have existed in all, those that are gone and those that are there: the
// integral of their number over time.
//
// What activations cost is the time that they are there, and a sum over all of them at each look
// would take longer the more there are. So what starts takes its time off a sum and what ends puts
// its own there; those that are there have existed for their number times now, and that. Constant
// time, exact. The sum may wrap around: the result is right all the same as long as it has 63 bits,
// 292 years. Owned by the one that counts, which hands in the time; one thread, or one lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

class existing_time {
public:
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// At `now_ns`, which is not before the latest start.
    [[nodiscard]] std::int64_t total_ns(std::int64_t now_ns) const noexcept {
        return static_cast<std::int64_t>(sum_ns_ + count_ * static_cast<std::uint64_t>(now_ns));
    }

    void start(std::int64_t now_ns) noexcept {
        ++count_;
        sum_ns_ -= static_cast<std::uint64_t>(now_ns);
    }
    /// @pre there are so many.
    void end(std::size_t count, std::int64_t now_ns) noexcept {
        count_ -= count;
        sum_ns_ += count * static_cast<std::uint64_t>(now_ns);
    }

private:
    std::size_t count_ = 0;
    std::uint64_t sum_ns_ = 0;
};

}  // namespace dunlin::actors
