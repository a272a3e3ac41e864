// SPDX-License-Identifier: Apache-2.0
//
// A thread that waits for one call.
//
// It waits for one of two things: the answer, or that it is asked to drive the sockets because
// the thread that did has left. It lives on the waiting thread's stack: after `deliver` the
// other side does not touch it again. `deliver` and `promote` from any thread, the rest from the
// waiting one.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace dunlin::link {

/// Links of a list of threads that could be promoted; guarded by the driver's mutex.
struct waiter_links {
    waiter_links* prev = nullptr;
    waiter_links* next = nullptr;
};

class waiter : public waiter_links {
public:
    using time_point = std::chrono::steady_clock::time_point;
    enum class outcome { answered, promoted, timed_out };

    waiter() = default;
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    void deliver(result<bytes>&& answer) {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
        answered_.store(true, std::memory_order_release);
        changed_.notify_one();
    }
    void promote() {
        const std::lock_guard lock(mutex_);
        promoted_ = true;
        changed_.notify_one();
    }

    [[nodiscard]] outcome wait_until(time_point deadline) {
        std::unique_lock lock(mutex_);
        const bool changed =
            changed_.wait_until(lock, deadline, [&] { return answered() || promoted_; });
        // Promoted and answered: the promotion comes first, for it must not be lost.
        if (std::exchange(promoted_, false)) return outcome::promoted;
        return changed ? outcome::answered : outcome::timed_out;
    }
    /// Without the mutex: a leader asks after each frame, and nearly always delivers to itself.
    [[nodiscard]] bool answered() const noexcept {
        return answered_.load(std::memory_order_acquire);
    }
    [[nodiscard]] result<bytes> take() {
        const std::lock_guard lock(mutex_);
        return std::move(answer_);
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    result<bytes> answer_;
    std::atomic<bool> answered_{false};
    bool promoted_ = false;
};

/// The waiting threads, oldest first: a ring, so that one leaves it without knowing whose it is.
/// Guarded by the driver's mutex.
class waiter_list {
public:
    waiter_list() = default;
    waiter_list(const waiter_list&) = delete;
    waiter_list& operator=(const waiter_list&) = delete;

    void push_back(waiter& w) noexcept {
        w.next = &ring_;
        w.prev = ring_.prev;
        ring_.prev->next = &w;
        ring_.prev = &w;
    }
    /// @returns whether it was in a list.
    static bool remove(waiter& w) noexcept {
        if (w.next == nullptr) return false;
        w.prev->next = w.next;
        w.next->prev = w.prev;
        w.prev = w.next = nullptr;
        return true;
    }
    [[nodiscard]] waiter* pop_front() noexcept {
        if (ring_.next == &ring_) return nullptr;
        auto* front = static_cast<waiter*>(ring_.next);
        remove(*front);
        return front;
    }

private:
    waiter_links ring_{&ring_, &ring_};
};

}  // namespace dunlin::link
