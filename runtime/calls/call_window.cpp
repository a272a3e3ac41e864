// SPDX-License-Identifier: Apache-2.0
#include "runtime/calls/call_window.hpp"

#include "cluster/random.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace dunlin::runtime {

namespace {

/// So that two lanes seldom want the same one at the same time.
constexpr std::size_t shards_per_lane = 4;

}  // namespace

call_window::call_window(const call_window_options& options)
    : enabled_(options.calls_max != 0 && options.window_ns > 0),
      seed_(options.seed) {
    const auto count = options.lanes <= 1 ? 1 : std::bit_ceil(options.lanes * shards_per_lane);
    cluster::dedupe_window::limits bounds;
    bounds.entries_max = static_cast<std::uint32_t>(std::min<std::size_t>(
        (options.calls_max + count - 1) / count, std::numeric_limits<std::uint32_t>::max()));
    bounds.bytes_max = options.bytes_max / count;
    bounds.window_ns = options.window_ns;
    for (std::size_t i = 0; i < count; ++i)
        shards_.push_back(std::make_unique<shard>(bounds, cluster::mix(seed_ + i)));
}

std::uint32_t call_window::shard_of(const cluster::call_name& name) const noexcept {
    if (shards_.size() == 1) return 0;
    const auto bits = cluster::mix(cluster::mix(name.origin ^ seed_) + name.id + name.attempt);
    return static_cast<std::uint32_t>(bits & (shards_.size() - 1));
}

std::vector<call_window::waiter> call_window::shard::take_waiters(
    cluster::dedupe_window::place call) {
    if (awaited.empty()) return {};
    const auto found = awaited.find(call);
    if (found == awaited.end()) return {};
    auto waiters = std::move(found->second.waiters);
    awaited.erase(found);
    return waiters;
}

std::vector<call_window::waiter> call_window::finish(ticket call, bytes reply,
                                                     std::int64_t now_ns) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    in.window.finish(call.place, std::move(reply), now_ns);
    return in.take_waiters(call.place);
}

std::vector<call_window::waiter> call_window::finish_small(ticket call, bytes_view reply,
                                                           std::int64_t now_ns) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    in.window.finish_small(call.place, reply, now_ns);
    return in.take_waiters(call.place);
}

std::vector<call_window::waiter> call_window::finish_too_large(ticket call, std::int64_t now_ns) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    in.window.finish_too_large(call.place, now_ns);
    return in.take_waiters(call.place);
}

std::vector<call_window::waiter> call_window::finish(ticket call, std::int64_t now_ns) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    in.window.finish(call.place, now_ns);
    return in.take_waiters(call.place);
}

std::vector<call_window::waiter> call_window::withdraw(ticket call) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    in.window.withdraw(call.place);
    return in.take_waiters(call.place);
}

bool call_window::orphaned(ticket call, orphan running) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    const auto found = in.awaited.find(call.place);
    if (found == in.awaited.end() || found->second.waiters.empty()) return false;
    found->second.running = running;
    return true;
}

std::optional<call_window::orphan> call_window::leave(ticket call, const waiter& leaving) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    const auto found = in.awaited.find(call.place);
    if (found == in.awaited.end()) return std::nullopt;
    auto& waiters = found->second.waiters;
    // The place may be another call's by now, which this one does not wait for.
    if (std::erase(waiters, leaving) == 0 || !waiters.empty()) return std::nullopt;
    return found->second.running;
}

bool call_window::is_awaited(ticket call) {
    auto& in = *shards_[call.shard];
    std::lock_guard lock(in.mutex);
    const auto found = in.awaited.find(call.place);
    return found != in.awaited.end() && !found->second.waiters.empty();
}

call_window::figures call_window::counted() const {
    figures sum;
    for (const auto& each : shards_) {
        std::lock_guard lock(each->mutex);
        const auto& counts = each->window.counted();
        sum.counted.repeats += counts.repeats;
        sum.counted.unprotected += counts.unprotected;
        sum.counted.evicted_early += counts.evicted_early;
        sum.counted.replies_dropped += counts.replies_dropped;
        sum.calls += each->window.size();
        sum.bytes += each->window.bytes_held();
    }
    return sum;
}

}  // namespace dunlin::runtime
