// SPDX-License-Identifier: Apache-2.0
#include "actors/blocking_threads.hpp"

#include "support/signal_mask.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <limits>
#include <thread>
#include <utility>

namespace dunlin::actors {

blocking_threads::blocking_threads(caf::actor_system& system, std::chrono::milliseconds idle_max,
                                   thread_refused refused)
    : caf::execution_unit(&system),
      idle_max_(idle_max),
      refused_(std::move(refused)) {}

blocking_threads::~blocking_threads() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    ended_.wait(lock, [this] { return count_ == 0; });
}

void blocking_threads::exec_later(caf::resumable* job) {
    std::optional<std::system_error> news;
    {
        std::lock_guard lock(mutex_);
        ready_.push_back(job);
        if (idle_ >= ready_.size()) {
            work_.notify_one();
            return;
        }
        news = start_one();
        if (count_ == 0) {
            ready_.pop_back();
            system().scheduler().enqueue(job);
        }
    }
    if (news && refused_) refused_(*news);
}

std::optional<std::system_error> blocking_threads::start_one() {
    try {
        const support::signals_blocked no_signals;
        std::thread([this] { serve(); }).detach();
        ++count_;
        refusing_ = false;
    } catch (const std::system_error& why) {
        if (!std::exchange(refusing_, true)) return why;
    }
    return std::nullopt;
}

std::size_t blocking_threads::count() const {
    std::lock_guard lock(mutex_);
    return count_;
}

void blocking_threads::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        work_.wait_for(lock, idle_max_, [this] { return stopping_ || !ready_.empty(); });
        --idle_;
        if (ready_.empty()) break;
        auto* job = ready_.front();
        ready_.pop_front();
        lock.unlock();
        const auto state = job->resume(this, std::numeric_limits<std::size_t>::max());
        if (state != caf::resumable::resume_later) caf::intrusive_ptr_release(job);
        lock.lock();
        if (state == caf::resumable::resume_later) ready_.push_back(job);
    }
    // The last that this thread touches: it is detached, and whoever waits may go on.
    --count_;
    ended_.notify_all();
}

}  // namespace dunlin::actors
