// SPDX-License-Identifier: Apache-2.0
#include "actors/thread_keeper.hpp"

#include "actors/environment.hpp"
#include "actors/limits.hpp"
#include "support/signal_mask.hpp"

#include <utility>

namespace dunlin::actors {

void thread_keeper::start(std::vector<task> tasks) {
    tasks_ = std::move(tasks);
    const support::signals_blocked no_signals;
    const std::lock_guard lock(mutex_);
    thread_ = std::thread([this] { keep(); });
    running_ = true;
}

void thread_keeper::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(running_, false)) return;
        changed_.notify_all();
    }
    thread_.join();
}

bool thread_keeper::hurry() {
    const std::lock_guard lock(mutex_);
    if (!running_) return false;
    hurried_ = true;
    asleep_.store(false, std::memory_order_seq_cst);
    changed_.notify_all();
    return true;
}

void thread_keeper::keep() {
    std::unique_lock lock(mutex_);
    while (running_ || hurried_) {
        hurried_ = false;
        // Says that it sleeps before it looks a last time: who begins after that look rings.
        const bool was_asleep = asleep_.load(std::memory_order_relaxed);
        lock.unlock();
        bool again = false;
        for (const auto& each : tasks_) again = each(time_.now_ns()) || again;
        lock.lock();
        const auto called = [this] { return hurried_ || !running_; };
        if (again) {
            asleep_.store(false, std::memory_order_seq_cst);
            changed_.wait_for(lock, limits::keeper_pause, called);
        } else if (!was_asleep) {
            asleep_.store(true, std::memory_order_seq_cst);
        } else {
            changed_.wait(lock, called);
            asleep_.store(false, std::memory_order_seq_cst);
        }
    }
}

}  // namespace dunlin::actors
