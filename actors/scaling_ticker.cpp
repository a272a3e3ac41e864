// SPDX-License-Identifier: Apache-2.0
#include "actors/scaling_ticker.hpp"

#include "actors/elastic_policy.hpp"
#include "actors/pool.hpp"
#include "support/signal_mask.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace dunlin::actors {

void scaling_ticker::start() {
    const std::lock_guard lock(mutex_);
    if (running_) return;
    const support::signals_blocked no_signals;
    running_ = true;
    try {
        thread_ = std::thread([this] { run(); });
    } catch (...) {
        running_ = false;
        throw;
    }
}

void scaling_ticker::stop() {
    {
        const std::lock_guard lock(mutex_);
        running_ = false;
        asked_.clear();
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void scaling_ticker::look_at(pool& which, std::int64_t at_ns) {
    const std::lock_guard lock(mutex_);
    asked_.push_back({&which, at_ns});
    if (at_ns < wakes_at_ns_) changed_.notify_one();
}

std::int64_t scaling_ticker::earliest_ns() const noexcept {
    auto earliest = elastic_policy::never;
    for (const auto& each : asked_) earliest = std::min(earliest, each.at_ns);
    return earliest;
}

std::vector<scaling_ticker::due_look> scaling_ticker::take_due(std::int64_t now_ns) {
    const auto due = std::partition(asked_.begin(), asked_.end(),
                                    [&](const due_look& each) { return each.at_ns > now_ns; });
    std::vector<due_look> taken(due, asked_.end());
    asked_.erase(due, asked_.end());
    return taken;
}

// Not at each pool's own time to the nanosecond: pools that are due within one period share a wake.
void scaling_ticker::run() {
    std::unique_lock lock(mutex_);
    while (running_) {
        const auto now_ns = time_.now_ns();
        const auto due = take_due(now_ns);
        if (due.empty()) {
            const auto earliest = earliest_ns();
            wakes_at_ns_ = earliest;
            if (earliest == elastic_policy::never) {
                changed_.wait(lock);
            } else {
                const auto pause_ns = std::max(earliest - now_ns, elastic_policy::look_every_ns);
                wakes_at_ns_ = now_ns + pause_ns;
                changed_.wait_for(lock, std::chrono::nanoseconds(pause_ns));
            }
            wakes_at_ns_ = 0;  // it looks at all of them before it sleeps again
            continue;
        }
        lock.unlock();
        std::vector<due_look> again;
        std::size_t retired = 0;
        for (const auto& each : due) {
            const auto looked = each.which->look(now_ns);
            retired += looked.retired;
            if (looked.next_ns != elastic_policy::never)
                again.push_back({each.which, looked.next_ns});
        }
        if (retired != 0 && retired_) retired_(retired);
        lock.lock();
        if (running_) std::copy(again.begin(), again.end(), std::back_inserter(asked_));
    }
}

}  // namespace dunlin::actors
