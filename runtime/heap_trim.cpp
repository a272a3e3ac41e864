// SPDX-License-Identifier: Apache-2.0
#include "runtime/heap_trim.hpp"

#include "runtime/log.hpp"
#include "support/signal_mask.hpp"

#include <malloc.h>

#include <chrono>
#include <system_error>
#include <utility>

namespace dunlin::runtime {

namespace {

constexpr std::chrono::milliseconds pace{500};

}  // namespace

heap_trim::heap_trim(std::function<std::size_t()> in_use) : in_use_(std::move(in_use)) {}

heap_trim::~heap_trim() {
    {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void heap_trim::note(std::size_t in_use) {
    if (in_use < trim_rule::much || awake_.load(std::memory_order_relaxed)) return;
    {
        const std::scoped_lock lock(mutex_);
        try {
            const support::signals_blocked no_signals;
            if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
        } catch (const std::system_error&) {
            return;  // there will be another time
        }
        awake_.store(true, std::memory_order_relaxed);
    }
    changed_.notify_all();
}

// Few at a time add up: what a long decline has freed is worth giving back as well.
void heap_trim::freed(std::size_t activations) {
    freed_bytes_ += activations * activation_bytes;
    if (freed_bytes_ < trim_rule::much) return;
    note(std::exchange(freed_bytes_, 0));
}

void heap_trim::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ended_ || awake_.load(std::memory_order_relaxed); });
        trim_rule rule;
        // What woke this thread may be gone by the first look; it was much all the same.
        static_cast<void>(rule.observe(trim_rule::much));
        while (!ended_ && rule.waits()) {
            changed_.wait_for(lock, pace, [this] { return ended_; });
            if (ended_ || !rule.observe(in_use_())) continue;
            lock.unlock();
            ::malloc_trim(0);
            times_.fetch_add(1, std::memory_order_relaxed);
            log().debug("memory that is not needed any more was given back");
            lock.lock();
        }
        if (ended_) return;
        awake_.store(false, std::memory_order_relaxed);
    }
}

}  // namespace dunlin::runtime
