// SPDX-License-Identifier: Apache-2.0
//
// Gives memory back to the system once a node has had much of it and needs it no more.
//
// glibc keeps what was freed: after a flood of gigabytes a node would hold them for good. Giving
// back takes the heap's locks, for tenths of a second where much was freed, so it happens on a
// thread of its own, only after much was in use, and only once little is. It is made when that
// happens for the first time, and sleeps in between. `note` is for any thread; the rest for the
// owner.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>

namespace dunlin::runtime {

/// What a connection takes in ZeroMQ and in its lane, about.
inline constexpr std::size_t connection_bytes = std::size_t{32} << 10;

/// When to give back. Pure.
class trim_rule {
public:
    /// Below this nothing is worth the while.
    static constexpr std::size_t much = std::size_t{32} << 20;
    /// Of half a second: ledgers shrink before that.
    static constexpr int quiet_looks_wanted = 6;

    /// So much is in use now; asked at a steady pace. @returns whether to give back now.
    [[nodiscard]] bool observe(std::size_t in_use) noexcept {
        if (in_use > peak_) peak_ = in_use;
        const bool quiet = peak_ >= much && in_use <= peak_ / 4;
        quiet_looks_ = quiet ? quiet_looks_ + 1 : 0;
        if (quiet_looks_ < quiet_looks_wanted) return false;
        peak_ = in_use;
        quiet_looks_ = 0;
        return true;
    }
    /// Whether there is something to wait for.
    [[nodiscard]] bool waits() const noexcept { return peak_ >= much; }

private:
    std::size_t peak_ = 0;
    int quiet_looks_ = 0;
};

class heap_trim {
public:
    static constexpr std::chrono::milliseconds usual_pace{500};

    /// `in_use` is asked on this thread, so often; what it looks at outlives this.
    explicit heap_trim(std::function<std::size_t()> in_use,
                       std::chrono::milliseconds pace = usual_pace);
    ~heap_trim();
    heap_trim(const heap_trim&) = delete;
    heap_trim& operator=(const heap_trim&) = delete;

    /// So much is in use. Costs a comparison unless it is much.
    void note(std::size_t in_use);
    /// So many activations have ended, which nobody counts as in use. One thread.
    void freed(std::size_t activations);
    [[nodiscard]] std::size_t times() const noexcept {
        return times_.load(std::memory_order_relaxed);
    }

private:
    void run();

    std::function<std::size_t()> in_use_;
    const std::chrono::milliseconds pace_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<bool> awake_{false};
    std::atomic<bool> noted_{false};  // since the thread has looked
    std::atomic<std::size_t> times_{0};
    std::size_t freed_bytes_ = 0;
    bool ended_ = false;
    std::thread thread_;
};

}  // namespace dunlin::runtime
