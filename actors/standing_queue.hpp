// SPDX-License-Identifier: Apache-2.0
//
// Whether a queue only absorbs a burst or stands: a queue that never gets short is of no use.
//
// CoDel's signal (Nichols and Jacobson, *Controlling Queue Delay*, ACM Queue 10(5), 2012, RFC
// 8289): the queue stands once the wait of what leaves it has been above the target for a whole
// interval. Unlike CoDel nothing is dropped for it, since a call that is dropped late has waited
// for nothing: who asks is refused instead (admission_limit.hpp). That keeps the wait about the
// target, so the signal stays until a wait was a quarter of it, or the queue is empty; going at the
// target it would go at once, and the queue would fill again (CoDel keeps its rate for that
// reason). Pure; 16 bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dunlin::actors {

struct standing_rule {
    std::int64_t target_ns = 5'000'000;      // waits below it are welcome
    std::int64_t interval_ns = 100'000'000;  // a burst may take so long
};

class standing_queue {
public:
    /// Something left the queue, to be run or not, after so long. A clock that jumps back delays
    /// the signal by an interval at most.
    void left(std::int64_t now_ns, std::int64_t waited_ns, const standing_rule& rule) noexcept {
        if (waited_ns < (stands_ ? rule.target_ns / leave_share : rule.target_ns)) return emptied();
        if (stands_) return;
        const auto due_ns = now_ns + rule.interval_ns;
        due_ns_ = due_ns_ == not_above ? due_ns : std::min(due_ns_, due_ns);
        stands_ = now_ns >= due_ns_;
    }
    /// Nothing waits any more.
    void emptied() noexcept {
        stands_ = false;
        due_ns_ = not_above;
    }
    [[nodiscard]] bool stands() const noexcept { return stands_; }

private:
    static constexpr std::int64_t leave_share = 4;
    static constexpr std::int64_t not_above = INT64_MIN;
    std::int64_t due_ns_ = not_above;
    bool stands_ = false;
};

}  // namespace dunlin::actors
