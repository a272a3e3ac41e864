// SPDX-License-Identifier: Apache-2.0
//
// Counters that one thread writes and any thread reads: relaxed atomics without read-modify-write,
// so that counting costs a store. Never reset, never negative.
#pragma once

#include <atomic>
#include <cstdint>

namespace dunlin::support {

class counter {
public:
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    /// A reader that sees the value sees what was counted before it.
    void publish(std::uint64_t n) noexcept { value_.store(n, std::memory_order_release); }
    [[nodiscard]] std::uint64_t get() const noexcept {
        return value_.load(std::memory_order_acquire);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// A counter that several threads write: each time a read-modify-write.
class shared_counter {
public:
    void add(std::uint64_t count = 1) noexcept {
        value_.fetch_add(count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace dunlin::support
