// SPDX-License-Identifier: Apache-2.0
//
// How fast a lane connects to nodes that it only knows from what others say.
//
// Without keys anybody can name members that there are none, at addresses that are none of this
// cluster's. So connections to those that have never answered are few a second and few at a time;
// nodes that have been reached before, and those that the operator named, do not count.
// Pure: time is handed in. Owned by a lane's `links`; one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace dunlin::runtime {

class dial_limits {
public:
    static constexpr std::int64_t second_ns = 1'000'000'000;
    /// A cluster that starts as a whole is reached at once up to this size ...
    static constexpr std::int64_t burst = 128;
    /// ... and so many of it a second beyond.
    static constexpr std::int64_t per_second = 64;
    /// Under way at a time, each with its sockets.
    static constexpr std::size_t open_max = 128;

    /// Whether one more may begin now, while `open` have not been answered yet.
    [[nodiscard]] bool take(std::size_t open, std::int64_t now_ns) noexcept {
        if (open >= open_max) return false;
        // A virtual clock of the connections that were permitted: it may not run ahead by a burst.
        free_ns_ = std::max(free_ns_, now_ns - burst * each_ns);
        if (free_ns_ + each_ns > now_ns) return false;
        free_ns_ += each_ns;
        return true;
    }
    /// When to ask again.
    [[nodiscard]] static constexpr std::int64_t again_ns(std::int64_t now_ns) noexcept {
        return now_ns + each_ns;
    }

private:
    static constexpr std::int64_t each_ns = second_ns / per_second;
    // Far back: nothing was begun yet, whatever the clock's start.
    std::int64_t free_ns_ = -(std::int64_t{1} << 62);
};

}  // namespace dunlin::runtime
