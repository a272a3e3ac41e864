// SPDX-License-Identifier: Apache-2.0
//
// Notices a function that holds its lane too long and has another thread take the lane over.
//
// One thread for all lanes of a node. It looks a few times in the longest time a function may
// hold a lane, and only while lanes work: an idle node is not woken. The decision, which phase
// was seen how long, is `hold_detector`, pure and without a clock.
// Owned by the node; started and stopped by it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
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
    watchdog(std::vector<lane*> lanes, std::chrono::nanoseconds hold_max);
    ~watchdog();

private:
    void watch();

    std::vector<lane*> lanes_;
    std::chrono::nanoseconds hold_max_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace dunlin::runtime
