// SPDX-License-Identifier: Apache-2.0
#include "actors/blocking_threads.hpp"

#include "actors/limits.hpp"
#include "actors/running_code.hpp"
#include "support/signal_mask.hpp"
#include "support/tsan.hpp"

#include <caf/actor_system.hpp>
#include <caf/ref_counted.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

namespace dunlin::actors {

blocking_threads::blocking_threads(caf::actor_system& system, blocking_options options,
                                   thread_keeper* keeper, thread_refused refused)
    : caf::execution_unit(&system),
      options_(options),
      keeper_(keeper),
      refused_(std::move(refused)) {}

blocking_threads::~blocking_threads() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (auto* each : idle_) each->called.notify_one();
    ended_.wait(lock, [this] { return count_ == 0 && lent_ == 0 && ready_.empty(); });
}

/// A job without a thread of ours, on one of the scheduler's.
class blocking_threads::lent_job final : public caf::resumable, public caf::ref_counted {
public:
    lent_job(blocking_threads& lender, caf::resumable* job) : lender_(lender), job_(job) {
        support::tsan_release(this);  // the scheduler hands it over unseen
    }
    ~lent_job() override { support::tsan_acquire(this); }
    [[nodiscard]] subtype_t subtype() const override { return unspecified; }
    resume_result resume(caf::execution_unit* unit, std::size_t messages) override {
        support::tsan_acquire(this);
        const auto state = job_->resume(unit, messages);
        if (state != resume_later) lender_.take_back(job_);
        support::tsan_release(this);
        return state;
    }
    void intrusive_ptr_add_ref_impl() override { ref(); }
    void intrusive_ptr_release_impl() override { deref(); }

private:
    blocking_threads& lender_;
    caf::resumable* job_;
};

void blocking_threads::take_back(caf::resumable* ended) {
    caf::intrusive_ptr_release(ended);
    std::lock_guard lock(mutex_);
    --lent_;
    ended_.notify_all();
}

void blocking_threads::exec_later(caf::resumable* job) {
    {
        const std::lock_guard lock(mutex_);
        ready_.push_back(job);
        call_idle();
        if (!too_few()) job = nullptr;
    }
    if (keeper_ == nullptr || (job != nullptr && !keeper_->hurry()))
        make_one();
    else
        keeper_->ring();
}

void blocking_threads::call_idle() {
    if (idle_.empty() || ready_.size() <= on_their_way_) return;
    auto* called = idle_.back();
    idle_.pop_back();
    called->has_work = true;
    ++on_their_way_;
    called->called.notify_one();
}

bool blocking_threads::too_few() const noexcept {
    return idle_.empty() && ready_.size() > on_their_way_ && count_ < options_.threads_max;
}

void blocking_threads::make_one() {
    {
        const std::lock_guard lock(mutex_);
        if (!too_few()) return;
        ++count_;
        ++on_their_way_;
    }
    try {
        const support::signals_blocked no_signals;
        std::thread([this] { serve(); }).detach();
    } catch (const std::system_error& why) {
        std::unique_lock lock(mutex_);
        --count_;
        --on_their_way_;
        const bool news = !std::exchange(refusing_, true);
        lend(lock);
        if (news && refused_) refused_(why);
    }
}

// What no thread is on its way to. Those that are may not take long, but nobody knows that.
void blocking_threads::lend(std::unique_lock<std::mutex>& lock) {
    const auto without = ready_.size() - std::min(ready_.size(), on_their_way_);
    const auto first = ready_.end() - static_cast<std::ptrdiff_t>(without);
    const std::vector<caf::resumable*> jobs(first, ready_.end());
    ready_.erase(first, ready_.end());
    lent_ += jobs.size();
    lock.unlock();
    for (auto* each : jobs) system().scheduler().enqueue(new lent_job(*this, each));
}

bool blocking_threads::tend() {
    make_one();
    const std::lock_guard lock(mutex_);
    return count_ != idle_.size() || !ready_.empty();
}

std::size_t blocking_threads::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

void blocking_threads::serve() {
    const code_thread listed;
    std::unique_lock lock(mutex_);
    refusing_ = false;
    do {
        --on_their_way_;
        while (!ready_.empty()) {
            auto* job = ready_.front();
            ready_.pop_front();
            // Each that has got work sees to the next, so a burst is not one thread's business.
            const bool more = too_few();
            lock.unlock();
            if (more) make_one();
            const auto state = job->resume(this, limits::messages_per_turn_max);
            if (state != caf::resumable::resume_later) caf::intrusive_ptr_release(job);
            lock.lock();
            if (state == caf::resumable::resume_later) ready_.push_back(job);
        }
    } while (!stopping_ && wait_for_work(lock));
    // The last that this thread touches: it is detached, and who waits for it may go on.
    --count_;
    ended_.notify_all();
}

bool blocking_threads::wait_for_work(std::unique_lock<std::mutex>& lock) {
    idler mine;
    idle_.push_back(&mine);
    mine.called.wait_for(lock, options_.idle_max, [&] { return mine.has_work || stopping_; });
    if (!mine.has_work) std::erase(idle_, &mine);
    return mine.has_work;
}

}  // namespace dunlin::actors
