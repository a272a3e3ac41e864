// SPDX-License-Identifier: Apache-2.0
//
// Whether it may be us.
//
// A node that is short of time or cut off sees all others fail. Lifeguard (Dadgar, Phillips,
// Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection", 2017) counts
// the signs of it, and stretches the node's own periods and timeouts with the count, so that it
// accuses others more slowly the worse it is itself. Pure; one owner, one thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dunlin::runtime::membership {

class local_health {
public:
    explicit local_health(unsigned score_max) noexcept : score_max_(score_max) {}

    /// A probe was answered.
    void better() noexcept {
        if (score_ > 0) --score_;
    }
    /// A probe failed and those who should have said that they try did not say so; we had to
    /// contradict a suspicion; or we were not running for a while.
    void worse() noexcept { score_ = std::min(score_ + 1, score_max_); }

    /// 0 is healthy.
    [[nodiscard]] unsigned score() const noexcept { return score_; }
    [[nodiscard]] std::int64_t stretch(std::int64_t ns) const noexcept {
        return ns * static_cast<std::int64_t>(score_ + 1);
    }

private:
    unsigned score_max_;
    unsigned score_ = 0;
};

}  // namespace dunlin::runtime::membership
