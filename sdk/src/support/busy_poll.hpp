// SPDX-License-Identifier: Apache-2.0
//
// Busy-polls descriptors for a moment before it sleeps in poll(2).
//
// A thread that waits for an answer some ten microseconds away pays several times that for going
// to sleep: the core halts, and waking it takes an interrupt and more. So a wait spins for a while,
// and yields the core to other threads between two polls (as Linux's haltpoll does for an idle
// guest, and net.core.busy_poll for a socket).
//
// It does so only where it pays. A wait that follows much work sleeps at once: one wake-up costs
// little beside that work, and while it sleeps more can gather. And each spin that found
// nothing doubles the number of waits that sleep at once before the next one (exponential backoff),
// so what is idle or seldom called costs next to nothing. Waits for answers and waits for new work
// have a time and a history each: an answer that is due comes soon, new work may not come at all.
//
// Owned and used by one thread at a time.
#pragma once

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace dunlin::support {

/// What a wait is for.
enum class awaited : std::uint8_t { answers, anything };

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

    /// Asked once before each wait.
    [[nodiscard]] bool begin_awake(awaited what = awaited::answers) noexcept {
        const std::size_t calls = std::exchange(calls_, 0);
        const std::size_t frame_bytes = std::exchange(frame_bytes_longest_, 0);
        if (calls > calls_max || frame_bytes > frame_bytes_max) return false;
        auto& skipping = of(what).skipping;
        if (skipping == 0) return true;
        --skipping;
        return false;
    }
    /// How the awake part of a wait ended.
    enum class ending : std::uint8_t {
        news,       // with what it looked for
        nothing,    // in vain: now it sleeps
        cut_short,  // by the wait's own end, which says nothing about the next
    };
    void ended(ending how, awaited what = awaited::answers) noexcept {
        if (how == ending::cut_short) return;
        const bool news = how == ending::news;
        auto& [skipping, skip_next] = of(what);
        skipping = news ? 0 : skip_next;
        skip_next = news ? 1 : std::min(skip_next * 2, waits_skipped_max);
    }

private:
    struct history {
        std::uint32_t skipping = 0;
        std::uint32_t skip_next = 1;
    };
    [[nodiscard]] history& of(awaited what) noexcept {
        return histories_[static_cast<std::size_t>(what)];
    }

    std::size_t calls_ = 0;
    std::size_t frame_bytes_longest_ = 0;
    std::array<history, 2> histories_;
};

class busy_poll {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// How long waits for answers, and others, may be awake; 0: they always sleep at once.
    explicit busy_poll(std::chrono::nanoseconds answers_awake_max,
                       std::chrono::nanoseconds others_awake_max = {}) noexcept
        : awake_max_{answers_awake_max, others_awake_max} {}

    /// What was done since the last wait: calls begun or answered, and a frame that arrived.
    void handled(std::size_t calls) noexcept { policy_.handled(calls); }
    void received(std::size_t frame_bytes) noexcept { policy_.received(frame_bytes); }

    /// Returns when a descriptor is ready, `until` has come (`time_point::max()`: never) or a
    /// signal has interrupted the sleep. `revents` tell which.
    void wait(std::span<pollfd> on, time_point until, awaited what = awaited::answers) noexcept;

private:
    std::array<std::chrono::nanoseconds, 2> awake_max_;
    busy_poll_policy policy_;
};

/// Sleeps at once.
void sleep_poll(std::span<pollfd> on, busy_poll::time_point until) noexcept;

}  // namespace dunlin::support
