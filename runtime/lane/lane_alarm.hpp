// SPDX-License-Identifier: Apache-2.0
//
// How lanes wake their watchdog.
//
// While all lanes sleep the watchdog does too, so an idle node is not woken; the first lane that
// gets work rings. A lane makes itself visible (its phase moves) before it asks whether to ring,
// and the watchdog says that it sleeps before it looks at the phases a last time, so one of the
// two always sees the other. Shared by the lanes and the watchdog; any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace dunlin::runtime {

class lane_alarm {
public:
    /// A lane has work after it slept. Costs one load unless the watchdog sleeps.
    void ring() {
        if (!asleep_.load(std::memory_order_seq_cst)) return;
        const std::scoped_lock lock(mutex_);
        asleep_.store(false, std::memory_order_seq_cst);
        changed_.notify_all();
    }

    /// From now on lanes ring. The watchdog looks at them once more before it sleeps.
    void prepare_to_sleep() { asleep_.store(true, std::memory_order_seq_cst); }
    void stay_awake() { asleep_.store(false, std::memory_order_seq_cst); }
    /// Until a lane rings. @returns false when it is to end.
    [[nodiscard]] bool sleep() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ended_ || !asleep_.load(std::memory_order_seq_cst); });
        return !ended_;
    }
    /// @returns false when it is to end.
    [[nodiscard]] bool pause(std::chrono::nanoseconds time) {
        std::unique_lock lock(mutex_);
        return !changed_.wait_for(lock, time, [this] { return ended_; });
    }
    void end() {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }

private:
    std::atomic<bool> asleep_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
};

}  // namespace dunlin::runtime
