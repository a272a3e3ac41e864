// SPDX-License-Identifier: Apache-2.0
#include "actors/worker_threads.hpp"

#include "actors/activation.hpp"
#include "actors/pool.hpp"
#include "actors/running_code.hpp"
#include "support/signal_mask.hpp"
#include "support/tsan.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::actors {

worker_threads::worker_threads(caf::actor_system& system, std::size_t threads,
                               thread_keeper* keeper, complaint complain)
    : caf::scheduler::abstract_coordinator(system),
      threads_(threads),
      keeper_(keeper),
      complain_(std::move(complain)),
      unit_(*this) {}

worker_threads::~worker_threads() { stop(); }

void worker_threads::begin() {
    for (std::size_t i = 0; i < threads_; ++i) start_one();
}

// In the list before its thread exists: what cannot be made is taken out again.
void worker_threads::start_one() {
    std::unique_lock lock(mutex_);
    auto& added = workers_.emplace_back();
    const auto place = std::prev(workers_.end());
    lock.unlock();
    try {
        const support::signals_blocked no_signals;
        std::thread([this, &added] { serve(added); }).detach();
    } catch (...) {
        lock.lock();
        workers_.erase(place);
        throw;
    }
}

void worker_threads::enqueue(caf::resumable* job) {
    auto* running = dynamic_cast<activation*>(job);
    const auto* function = running == nullptr ? nullptr : &running->home();
    {
        const std::lock_guard lock(mutex_);
        ready_.push(job, function,
                    function == nullptr ? fair_jobs::usual_share : function->share());
        if (idle_ != 0) work_.notify_one();
    }
    if (keeper_ != nullptr) keeper_->ring();
}

void worker_threads::serve(worker& mine) {
    const code_thread listed;
    std::unique_lock lock(mutex_);
    mine.thread_id = ::gettid();
    // One that was replaced and came back after all, or whose replacement came too late, ends.
    const auto surplus = [&] {
        return mine.replaced || workers_.size() > threads_ + replaced_ + on_trial_;
    };
    while (!surplus()) {
        ++idle_;
        work_.wait(lock, [&] { return stopping_ || !ready_.empty() || surplus(); });
        --idle_;
        if (surplus() || ready_.empty()) break;
        const auto job = ready_.pop();
        ++mine.turn;
        mine.busy = true;
        lock.unlock();
        const auto began = std::chrono::steady_clock::now();
        const auto state = job.what->resume(&unit_, limits::messages_per_turn_max);
        const auto held = std::chrono::steady_clock::now() - began;
        if (state != caf::resumable::resume_later) caf::intrusive_ptr_release(job.what);
        lock.lock();
        mine.busy = false;
        ready_.charge(job.of, held / std::chrono::nanoseconds(1));
        if (state != caf::resumable::resume_later) continue;
        // Behind what became ready meanwhile, and perhaps for another thread.
        ready_.push_again(job);
        if (idle_ != 0) work_.notify_one();
    }
    if (mine.replaced) --replaced_;
    workers_.remove_if([&](const worker& each) { return &each == &mine; });
    // The last that this thread touches: it is detached, and who waits for it may go on.
    if (!ready_.empty()) work_.notify_one();
    ended_.notify_all();
}

bool worker_threads::held_too_long(worker& each, std::int64_t now_ns) const {
    if (!each.busy || each.replaced) return false;
    if (std::exchange(each.seen, each.turn) != each.turn) each.seen_ns = now_ns;
    return now_ns - each.seen_ns >= limits::worker_hold_ns_max;
}

bool worker_threads::tend(std::int64_t now_ns) {
    if (const auto problem = replace_held(now_ns)) complain_(*problem);
    const std::lock_guard lock(mutex_);
    return !ready_.empty() || std::any_of(workers_.begin(), workers_.end(),
                                          [](const worker& each) { return each.busy; });
}

// @returns what is in the way, once.
std::optional<std::string> worker_threads::replace_held(std::int64_t now_ns) {
    std::unique_lock lock(mutex_);
    std::vector<std::pair<worker*, std::uint64_t>> held;
    for (auto& each : workers_)
        if (held_too_long(each, now_ns)) held.emplace_back(&each, each.turn);
    if (held.empty() || ready_.empty() || stopping_) {
        if (replaced_ == 0) complained_ = false;
        return std::nullopt;
    }
    for (const auto& [which, turn] : held) {
        if (replaced_ >= limits::workers_replaced_max) {
            if (std::exchange(complained_, true)) return std::nullopt;
            return "functions hold " + std::to_string(replaced_) +
                   " threads beside those of the scheduler, which is the most there may be; other "
                   "long functions wait until one returns";
        }
        // The thread first: one that cannot be made must not cost the one that there is.
        ++on_trial_;
        lock.unlock();
        try {
            start_one();
        } catch (const std::system_error& why) {
            lock.lock();
            --on_trial_;
            if (std::exchange(complained_, true)) return std::nullopt;
            return std::string("no thread can be made in place of one that a function holds: ") +
                   why.what();
        }
        lock.lock();
        --on_trial_;
        // It may have come back meanwhile; then one of the two is surplus and ends.
        const auto still = std::find_if(workers_.begin(), workers_.end(),
                                        [held = which, began = turn](const worker& each) {
                                            return &each == held && each.busy && each.turn == began;
                                        });
        if (still == workers_.end()) {
            work_.notify_all();
            continue;
        }
        still->replaced = true;
        ++replaced_;
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(still->thread_id),
                      limits::replaced_worker_nice);
    }
    return std::nullopt;
}

worker_status worker_threads::look() const {
    const std::lock_guard lock(mutex_);
    return {workers_.size() - replaced_, replaced_, ready_.size()};
}

void worker_threads::stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    ended_.wait(lock, [this] { return workers_.empty(); });
    std::vector<caf::resumable*> never_run;
    while (!ready_.empty()) never_run.push_back(ready_.pop().what);
    lock.unlock();
    for (auto* job : never_run) cleanup_and_release(job);
}

}  // namespace dunlin::actors
