// SPDX-License-Identifier: Apache-2.0
//
// Notices a function that holds its lane too long and has another thread take the lane over.
//
// One thread for all lanes of a node. It looks twice in the longest time a function may hold a
// lane, and sleeps while all lanes do: an idle node is not woken. The decision, which phase
// was seen how long, is `hold_detector`, pure and without a clock.
// Owned by the node; started and stopped by it.
#pragma once

#include "runtime/lane/lane_alarm.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace dunlin::runtime {

class lane;

/// Watches the phase of one lane.
class hold_detector {
public:
    /// `phase` was seen at `now_ns`. @returns how long the same user code has held the lane
    /// already if that is at least `hold_ns_max`, otherwise nothing.
    [[nodiscard]] std::optional<std::int64_t> observe(std::uint64_t phase, std::int64_t now_ns,
                                                      std::int64_t hold_ns_max) noexcept {
        const bool in_user_code = (phase & 1) != 0;
        if (!in_user_code || phase != phase_) {
            phase_ = phase;
            since_ns_ = now_ns;
            return std::nullopt;
        }
        const auto held_ns = now_ns - since_ns_;
        if (held_ns < hold_ns_max) return std::nullopt;
        return held_ns;
    }

private:
    std::uint64_t phase_ = 0;
    std::int64_t since_ns_ = 0;
};

class watchdog {
public:
    /// The lanes ring `alarm`, which outlives them.
    watchdog(std::vector<lane*> lanes, lane_alarm& alarm, std::chrono::nanoseconds hold_max);
    ~watchdog();

private:
    struct watched {
        lane* which;
        hold_detector detector;
        std::uint64_t phase = 0;
    };

    void watch();
    /// Looks at every lane once. @returns whether one has moved or is in user code.
    bool look();

    std::vector<watched> lanes_;
    lane_alarm& alarm_;
    std::chrono::nanoseconds hold_max_;
    std::thread thread_;
};

}  // namespace dunlin::runtime
