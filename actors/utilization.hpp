// SPDX-License-Identifier: Apache-2.0
//
// How much of its servers' time a pool has used of late.
//
// Whoever chooses between nodes whose calls would all start at once gives the next one to the node
// that has been less busy; that is what makes shares fair. An average of samples, each weighted by
// the time it stands for, that forgets within a few windows.
// Pure: time is handed in. Guarded by its owner's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

class utilization {
public:
    /// Samples closer than this would measure single calls.
    static constexpr std::int64_t sample_ns_min = 10'000'000;
    static constexpr std::int64_t window_ns = 200'000'000;

    /// `occupied_ns`: time of servers used until now, in all; there are `servers` of them.
    void sample(std::int64_t occupied_ns, std::size_t servers, std::int64_t now_ns) noexcept {
        const auto passed_ns = now_ns - sampled_at_ns_;
        if (sampled_at_ns_ != 0 && passed_ns < sample_ns_min) return;
        if (sampled_at_ns_ != 0) {
            const auto possible_ns = static_cast<float>(passed_ns) * static_cast<float>(servers);
            const auto used = static_cast<float>(occupied_ns - occupied_ns_) / possible_ns;
            const auto weight =
                std::min(1.0F, static_cast<float>(passed_ns) / static_cast<float>(window_ns));
            // Time comes in whole calls, when they end, so one sample may hold more than there was.
            share_ += weight * (used - share_);
        }
        sampled_at_ns_ = now_ns;
        occupied_ns_ = occupied_ns;
    }
    /// From 0 to 1.
    [[nodiscard]] float share() const noexcept { return std::clamp(share_, 0.0F, 1.0F); }

private:
    std::int64_t sampled_at_ns_ = 0;
    std::int64_t occupied_ns_ = 0;
    float share_ = 0;
};

}  // namespace dunlin::actors
