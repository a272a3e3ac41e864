// SPDX-License-Identifier: Apache-2.0
//
// How long to wait before connecting again.
//
// Clients of a node that restarts would otherwise arrive all at once, again and again. The pause
// doubles from the first to the last, and half of each is random. The same seed gives the same
// pauses. Pure: no clock, no sleeping. One owner, one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace dunlin::link {

class backoff {
public:
    using duration = std::chrono::nanoseconds;

    backoff(duration pause_min, duration pause_max, std::uint64_t seed) noexcept
        : pause_min_(std::max(pause_min, duration(1))),
          pause_max_(std::max(pause_max, pause_min_)),
          ceiling_(pause_min_),
          random_(seed) {}

    /// The next pause: from half of the current ceiling up to the ceiling.
    [[nodiscard]] duration next() noexcept {
        const auto half = ceiling_ / 2;
        const auto spread = static_cast<std::uint64_t>((ceiling_ - half).count()) + 1;
        const auto pause = half + duration(static_cast<std::int64_t>(draw() % spread));
        ceiling_ = ceiling_ > pause_max_ / 2 ? pause_max_ : ceiling_ * 2;
        return pause;
    }

    /// After a success: begin with the shortest pause again.
    void reset() noexcept { ceiling_ = pause_min_; }

private:
    // splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014)
    std::uint64_t draw() noexcept {
        std::uint64_t bits = random_ += 0x9e37'79b9'7f4a'7c15u;
        bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9u;
        bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11ebu;
        return bits ^ (bits >> 31);
    }

    duration pause_min_;
    duration pause_max_;
    duration ceiling_;
    std::uint64_t random_;
};

}  // namespace dunlin::link
