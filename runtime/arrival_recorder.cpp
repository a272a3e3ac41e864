// SPDX-License-Identifier: Apache-2.0
#include "runtime/arrival_recorder.hpp"

#include "support/signal_mask.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <system_error>
#include <utility>

namespace dunlin::runtime {
namespace {

using clock = std::chrono::steady_clock;

std::int64_t now_ns() { return clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

error dropped() {
    return {errc::invalid_argument,
            "there is no such recording: it was stopped, or nobody has read it for a minute"};
}

}  // namespace

arrival_recorder::arrival_recorder(const function_registry& functions)
    : functions_(functions),
      next_id_(std::random_device()()) {}

arrival_recorder::~arrival_recorder() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    stopping_.notify_all();
    if (thread_.joinable()) thread_.join();
}

result<arrival_recorder::begun> arrival_recorder::begin(const std::vector<std::string>& wanted,
                                                        std::size_t periods) {
    begun made;
    std::vector<const actors::pool*> pools;
    for (const auto& name : wanted.empty() ? functions_.of_modules() : wanted) {
        const auto* pool = functions_.find(name);
        const bool twice = std::find(pools.begin(), pools.end(), pool) != pools.end();
        if (pool == nullptr || twice) continue;
        if (pools.size() == recording_limits::functions_max) {
            ++made.left_out;
            continue;
        }
        made.functions.push_back(name);
        pools.push_back(pool);
    }
    const std::lock_guard lock(mutex_);
    if (recordings_.size() == recording_limits::recordings_max)
        return {errc::failed, "as many recordings are under way here as can be, " +
                                  std::to_string(recording_limits::recordings_max)};
    if (!running_) {
        // One that has ended itself has let go of the lock for good.
        if (thread_.joinable()) thread_.join();
        try {
            const support::signals_blocked no_signals;
            thread_ = std::thread([this] { run(); });
        } catch (const std::system_error&) {
            return {errc::failed, "no thread can be made that records"};
        }
        running_ = true;
        tick_ns_ = now_ns();
    }
    made.id = next_id_++;
    // In step with the ticks, so that each of them ends a period: of the first one a part is
    // missing where others record already.
    recordings_.try_emplace(
        made.id,
        entry{arrival_recording(made.functions, counts_of(pools), periods, tick_ns_), pools});
    return made;
}

result<arrival_recorder::progress> arrival_recorder::read(std::uint64_t id, std::size_t from) {
    const std::lock_guard lock(mutex_);
    auto* const found = find(id);
    if (found == nullptr) return dropped();
    return told(*found, from, now_ns());
}

result<arrival_recorder::progress> arrival_recorder::end(std::uint64_t id, std::size_t from) {
    const std::lock_guard lock(mutex_);
    auto* const found = find(id);
    if (found == nullptr) return dropped();
    const auto now = now_ns();
    look(*found, now);
    auto last = told(*found, from, now);
    recordings_.erase(id);
    return last;
}

arrival_recorder::entry* arrival_recorder::find(std::uint64_t id) {
    const auto found = recordings_.find(id);
    return found == recordings_.end() ? nullptr : &found->second;
}

arrival_recorder::progress arrival_recorder::told(entry& at, std::size_t from, std::int64_t now) {
    return {at.recording.periods(), at.recording.complete(), at.recording.read(from, now)};
}

std::vector<arrival_counts> arrival_recorder::counts_of(
    const std::vector<const actors::pool*>& pools) {
    std::vector<arrival_counts> counts;
    counts.reserve(pools.size());
    for (const auto* pool : pools) {
        const auto status = pool->status();
        counts.push_back({status.arrived, status.invocations, status.occupied_ns});
    }
    return counts;
}

void arrival_recorder::look(entry& at, std::int64_t now) const {
    if (!at.recording.complete()) at.recording.look(counts_of(at.pools), now);
}

// A tick that comes late does not move those that follow, which are periods since the first one.
void arrival_recorder::run() {
    std::unique_lock lock(mutex_);
    while (!stop_ && !recordings_.empty()) {
        const auto now = now_ns();
        for (auto at = recordings_.begin(); at != recordings_.end();) {
            look(at->second, now);
            at = at->second.recording.abandoned(now) ? recordings_.erase(at) : std::next(at);
        }
        constexpr auto period_ns = arrival_recording::period_ns;
        tick_ns_ += (now - tick_ns_) / period_ns * period_ns;
        const auto next = clock::time_point(std::chrono::nanoseconds(tick_ns_ + period_ns));
        stopping_.wait_until(lock, next, [this] { return stop_; });
    }
    running_ = false;
}

}  // namespace dunlin::runtime
