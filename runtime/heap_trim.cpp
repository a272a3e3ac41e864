// SPDX-License-Identifier: Apache-2.0
#include "runtime/heap_trim.hpp"

#include "actors/memory_meter.hpp"
#include "runtime/log.hpp"
#include "support/signal_mask.hpp"

#include <malloc.h>

#include <system_error>
#include <utility>

namespace dunlin::runtime {

heap_trim::heap_trim(std::function<std::size_t()> in_use, std::chrono::milliseconds pace)
    : in_use_(std::move(in_use)),
      pace_(pace) {}

heap_trim::~heap_trim() {
    {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void heap_trim::note(std::size_t in_use) {
    if (in_use < trim_rule::much) return;
    // In this order, and the thread looks in the other: it may be about to sleep.
    noted_.store(true);
    if (awake_.load()) return;
    {
        const std::scoped_lock lock(mutex_);
        try {
            const support::signals_blocked no_signals;
            if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
        } catch (const std::system_error&) {
            return;  // there will be another time
        }
        awake_.store(true);
    }
    changed_.notify_all();
}

// Few at a time add up: what a long decline has freed is worth giving back as well.
void heap_trim::freed(std::size_t activations) {
    freed_bytes_ += activations * actors::activation_bytes;
    if (freed_bytes_ < trim_rule::much) return;
    note(std::exchange(freed_bytes_, 0));
}

void heap_trim::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ended_ || awake_.load(std::memory_order_relaxed); });
        trim_rule rule;
        while (!ended_) {
            // What was noted may be gone by the next look; it was much all the same. So may what
            // was freed while memory was given back, of which some of it may have been too late.
            if (noted_.exchange(false)) static_cast<void>(rule.observe(trim_rule::much));
            if (!rule.waits()) break;
            changed_.wait_for(lock, pace_, [this] { return ended_; });
            if (ended_ || !rule.observe(in_use_())) continue;
            lock.unlock();
            ::malloc_trim(0);
            times_.fetch_add(1, std::memory_order_relaxed);
            log().debug("memory that is not needed any more was given back");
            lock.lock();
        }
        if (ended_) return;
        awake_.store(false);
        if (noted_.load()) awake_.store(true);
    }
}

}  // namespace dunlin::runtime
