// SPDX-License-Identifier: Apache-2.0
#include "actors/blocking_threads.hpp"

#include "support/signal_mask.hpp"
#include "support/tsan.hpp"

#include <caf/actor_system.hpp>
#include <caf/ref_counted.hpp>
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
    ended_.wait(lock, [this] { return count_ == 0 && lent_ == 0; });
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
    std::optional<std::system_error> news;
    {
        std::lock_guard lock(mutex_);
        ready_.push_back(job);
        if (idle_ >= ready_.size()) {
            work_.notify_one();
            return;
        }
        const auto before = count_;
        news = start_one();
        if (count_ == before) {
            ready_.pop_back();
            ++lent_;
            system().scheduler().enqueue(new lent_job(*this, job));
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
