// SPDX-License-Identifier: Apache-2.0
//
// The time of a lane's turn.
//
// Reading a clock for everything that needs the time would cost more than most of it. A lane looks
// at its clock when a turn begins, when it reads a frame and when user code has run; all its parts
// take the time from here meanwhile. Part of a lane; one thread.
#pragma once

#include "actors/environment.hpp"

#include <chrono>
#include <cstdint>

namespace dunlin::runtime {

class turn_clock {
public:
    explicit turn_clock(actors::steady_time& time) noexcept : time_(time) {}

    /// What the time was at the last look.
    [[nodiscard]] const std::int64_t& now_ns() const noexcept { return now_ns_; }
    /// Looks.
    std::int64_t read() noexcept { return now_ns_ = time_.now_ns(); }
    /// The time at this moment, for one use: the turn's stays.
    [[nodiscard]] std::int64_t peek() const noexcept { return time_.now_ns(); }

private:
    actors::steady_time& time_;
    std::int64_t now_ns_ = 0;
};

/// Nanoseconds of the steady clock as what timers and polls take.
[[nodiscard]] inline std::chrono::steady_clock::time_point time_point_of(std::int64_t ns) noexcept {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ns));
}

}  // namespace dunlin::runtime
