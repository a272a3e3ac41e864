// SPDX-License-Identifier: Apache-2.0
//
// Waits for descriptors, awake for a moment before it sleeps.
//
// Whoever waits for an answer that is some ten microseconds away pays several times that for
// going to sleep: the core halts, and waking it takes an interrupt and more. So a wait looks
// again and again for a while, and yields the core between two looks to whoever can use it (as
// Linux's haltpoll does for an idle guest, and net.core.busy_poll for a socket).
//
// It does so only where it pays. A wait that follows much work sleeps at once: one wake-up costs
// little beside that work, and while it sleeps more can gather. And each wait that was awake for
// nothing doubles the number of waits that sleep at once before it is tried again, so what is
// idle or seldom called costs next to nothing.
//
// Owned and used by one thread at a time.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace dunlin::support {

/// The decision, without a clock: which waits begin awake.
class busy_poll_policy {
public:
    /// More calls than this since the last wait, or a longer frame: sleep at once.
    static constexpr std::size_t calls_max = 200;
    static constexpr std::size_t frame_bytes_max = 48u << 10;
    static constexpr std::uint32_t waits_skipped_max = 256;

    void handled(std::size_t calls) noexcept { calls_ += calls; }
    /// The longest frame counts, not their sum: it tells that moving bytes is what takes time, on
    /// cores that an awake wait would only keep from it.
    void received(std::size_t frame_bytes) noexcept {
        frame_bytes_longest_ = std::max(frame_bytes_longest_, frame_bytes);
    }

    /// Another wait follows that work.
    void forget_work() noexcept { calls_ = frame_bytes_longest_ = 0; }

    /// Asked once before each wait.
    [[nodiscard]] bool begin_awake() noexcept {
        const std::size_t calls = std::exchange(calls_, 0);
        const std::size_t frame_bytes = std::exchange(frame_bytes_longest_, 0);
        if (calls > calls_max || frame_bytes > frame_bytes_max) return false;
        if (skipping_ == 0) return true;
        --skipping_;
        return false;
    }
    /// How the awake part of a wait ended.
    enum class ending : std::uint8_t {
        news,       // with what it looked for
        nothing,    // in vain: now it sleeps
        cut_short,  // by the wait's own end, which says nothing about the next
    };
    void ended(ending how) noexcept {
        if (how == ending::cut_short) return;
        const bool news = how == ending::news;
        skipping_ = news ? 0 : skip_next_;
        skip_next_ = news ? 1 : std::min(skip_next_ * 2, waits_skipped_max);
    }

private:
    std::size_t calls_ = 0;
    std::size_t frame_bytes_longest_ = 0;
    std::uint32_t skipping_ = 0;
    std::uint32_t skip_next_ = 1;
};

class busy_poll {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// `awake_max`: how long a wait may be awake; 0: it always sleeps at once.
    explicit busy_poll(std::chrono::nanoseconds awake_max) noexcept : awake_max_(awake_max) {}

    /// What was done since the last wait: calls begun or answered, and a frame that arrived.
    void handled(std::size_t calls) noexcept { policy_.handled(calls); }
    void received(std::size_t frame_bytes) noexcept { policy_.received(frame_bytes); }
    /// Instead of this wait another one follows.
    void pass_over() noexcept { policy_.forget_work(); }

    /// Returns when a descriptor is ready, `until` has come (`time_point::max()`: never) or a
    /// signal has interrupted the sleep. `revents` tell which.
    void wait(std::span<pollfd> on, time_point until) noexcept;

private:
    std::chrono::nanoseconds awake_max_;
    busy_poll_policy policy_;
};

/// Sleeps at once.
void sleep_poll(std::span<pollfd> on, busy_poll::time_point until) noexcept;

}  // namespace dunlin::support
