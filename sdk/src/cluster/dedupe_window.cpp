// SPDX-License-Identifier: Apache-2.0
#include "cluster/dedupe_window.hpp"

#include "cluster/random.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace dunlin::cluster {

namespace {

constexpr std::size_t buckets_first = 64;

}  // namespace

dedupe_window::dedupe_window(const limits& bounds, std::uint64_t seed)
    : bounds_(bounds),
      seed_(seed),
      buckets_(buckets_first, nil) {
    bounds_.entries_max = std::min(bounds_.entries_max, nil - 1);
    bounds_.window_ns = std::max<std::int64_t>(bounds_.window_ns, 0);
}

dedupe_window::answer dedupe_window::begin(const call_name& name, std::int64_t now_ns) {
    expire(now_ns);
    if (const auto index = find(name); index != nil) {
        ++counted_.repeats;
        const auto& it = entries_[index];
        if (it.now == state::running) return {verdict::running, index, {}};
        if (it.kept) return {verdict::done, nowhere, it.reply};
        return {verdict::ran, nowhere, {}};
    }
    const auto index = take();
    if (index == nil) {
        ++counted_.unprotected;
        return {verdict::unprotected, nowhere, {}};
    }
    auto& it = entries_[index];
    it.name = name;
    it.now = state::running;
    auto& bucket = bucket_of(name);
    it.chain = std::exchange(bucket, index);
    return {verdict::fresh, index, {}};
}

void dedupe_window::finish(place at, bytes reply, std::int64_t now_ns) {
    if (!runs(at)) return;
    if (keeps(reply.size())) {
        auto& it = entries_[at];
        it.kept = true;
        it.reply = std::move(reply);
        bytes_held_ += it.reply.size();
    } else {
        ++counted_.replies_dropped;
    }
    end(at, now_ns);
    keep_to_bytes();
}

void dedupe_window::finish(place at, std::int64_t now_ns) {
    if (runs(at)) end(at, now_ns);
}

void dedupe_window::finish_too_large(place at, std::int64_t now_ns) {
    if (!runs(at)) return;
    ++counted_.replies_dropped;
    end(at, now_ns);
}

void dedupe_window::withdraw(place at) {
    if (runs(at)) release(at);
}

void dedupe_window::expire(std::int64_t now_ns) {
    while (finished_.oldest != nil && entries_[finished_.oldest].over_at_ns <= now_ns) {
        drop_oldest();
    }
}

std::uint32_t& dedupe_window::bucket_of(const call_name& name) noexcept {
    // Ids are chosen by callers, who do not know the seed and so cannot make them meet.
    const auto which =
        mix(name.id + (std::uint64_t{name.function} << 32 | name.attempt) * 0x9e37'79b9'7f4a'7c15u);
    return buckets_[mix(mix(name.origin + seed_) ^ which) & (buckets_.size() - 1)];
}

std::uint32_t dedupe_window::find(const call_name& name) noexcept {
    auto index = bucket_of(name);
    while (index != nil && entries_[index].name != name) index = entries_[index].chain;
    return index;
}

std::uint32_t dedupe_window::take() {
    if (free_ == nil && entries_.size() >= bounds_.entries_max && finished_.oldest != nil) {
        ++counted_.evicted_early;
        drop_oldest();
    }
    if (free_ == nil) {
        if (entries_.size() >= bounds_.entries_max) return nil;
        if (entries_.size() >= buckets_.size()) grow_buckets();
        entries_.emplace_back();
        ++used_;
        return static_cast<std::uint32_t>(entries_.size() - 1);
    }
    const auto index = free_;
    free_ = entries_[index].chain;
    ++used_;
    return index;
}

void dedupe_window::grow_buckets() {
    buckets_.assign(buckets_.size() * 2, nil);
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
        // None is free, else it would not have come to this.
        entries_[i].chain = std::exchange(bucket_of(entries_[i].name), i);
    }
}

void dedupe_window::release(std::uint32_t index) noexcept {
    auto& it = entries_[index];
    auto* link = &bucket_of(it.name);
    while (*link != index) link = &entries_[*link].chain;
    *link = it.chain;
    drop_reply(it);
    it.now = state::free;
    it.newer = nil;
    it.chain = std::exchange(free_, index);
    --used_;
}

void dedupe_window::end(std::uint32_t index, std::int64_t now_ns) {
    auto& it = entries_[index];
    it.now = state::finished;
    constexpr auto never = std::numeric_limits<std::int64_t>::max();
    it.over_at_ns = now_ns > never - bounds_.window_ns ? never : now_ns + bounds_.window_ns;
    if (finished_.newest != nil) {
        entries_[finished_.newest].newer = index;
    } else {
        finished_.oldest = index;
    }
    finished_.newest = index;
    ++finished_.size;
    if (it.kept && oldest_kept_ == nil) oldest_kept_ = index;
}

void dedupe_window::drop_oldest() noexcept {
    const auto index = finished_.oldest;
    const auto newer = entries_[index].newer;
    finished_.oldest = newer;
    if (newer == nil) finished_.newest = nil;
    --finished_.size;
    if (oldest_kept_ == index) oldest_kept_ = newer;
    release(index);
}

void dedupe_window::drop_reply(entry& it) noexcept {
    if (!it.kept) return;
    bytes_held_ -= it.reply.size();
    it.reply = {};
    it.kept = false;
}

void dedupe_window::keep_to_bytes() noexcept {
    while (bytes_held_ > bounds_.bytes_max && oldest_kept_ != nil) {
        auto& it = entries_[oldest_kept_];
        if (it.kept) {
            drop_reply(it);
            ++counted_.replies_dropped;
        }
        oldest_kept_ = it.newer;
    }
}

}  // namespace dunlin::cluster
