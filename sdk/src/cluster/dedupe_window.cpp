// SPDX-License-Identifier: Apache-2.0
#include "cluster/dedupe_window.hpp"

#include "cluster/random.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace dunlin::cluster {

namespace {

constexpr std::size_t buckets_first = 64;

}  // namespace

dedupe_window::dedupe_window(const limits& bounds, std::uint64_t seed)
    : bounds_(bounds),
      seed_(seed),
      buckets_(buckets_first, nil),
      holders_(mix(seed)) {
    bounds_.entries_max = std::min(bounds_.entries_max, nil - 1);
    bounds_.window_ns = std::max<std::int64_t>(bounds_.window_ns, 0);
}

dedupe_window::answer dedupe_window::begin(const call_name& name, std::int64_t now_ns,
                                           const window_share& from) {
    expire(now_ns);
    const auto hash = hash_of(name);
    if (const auto index = find(name, hash); index != nil) {
        ++counted_.repeats;
        const auto& it = at(index);
        if (it.now == state::running) return {verdict::running, index, {}};
        if (!it.kept) return {verdict::ran, nowhere, {}};
        if (it.reply_bytes > small_bytes_max) return {verdict::done, nowhere, it.reply};
        return {verdict::done, nowhere, bytes(bytes_view(it.small.data(), it.reply_bytes))};
    }
    auto& holder = holders_.open(from);
    ++holder.entries;  // from here on, so that it does not end meanwhile
    const auto index = take(holder);
    if (index == nil) {
        --holder.entries;
        holders_.changed(holder);
        ++counted_.unprotected;
        return {verdict::unprotected, nowhere, {}};
    }
    auto& it = at(index);
    it.name = name;
    it.now = state::running;
    orders_[index].holder = &holder;
    holders_.changed(holder);
    links_[index] = {std::exchange(bucket_of(hash), index), hash};
    return {verdict::fresh, index, {}};
}

void dedupe_window::finish(place which, bytes reply, std::int64_t now_ns) {
    if (reply.size() <= small_bytes_max) return finish_small(which, reply.view(), now_ns);
    if (!runs(which)) return;
    if (!keeps(reply.size())) return finish_too_large(which, now_ns);
    const auto size = reply.size();
    at(which).reply = std::move(reply);
    end_with(which, size, now_ns);
}

void dedupe_window::finish_small(place which, bytes_view reply, std::int64_t now_ns) {
    if (!runs(which)) return;
    if (!keeps(reply.size())) return finish_too_large(which, now_ns);
    if (!reply.empty()) std::memcpy(at(which).small.data(), reply.data(), reply.size());
    end_with(which, reply.size(), now_ns);
}

void dedupe_window::end_with(std::uint32_t index, std::size_t reply_bytes, std::int64_t now_ns) {
    auto& it = at(index);
    it.kept = true;
    it.reply_bytes = static_cast<std::uint32_t>(reply_bytes);
    bytes_held_ += reply_bytes;
    orders_[index].holder->bytes += reply_bytes;
    end(index, now_ns);
    keep_to_bytes();
}

void dedupe_window::finish(place which, std::int64_t now_ns) {
    if (runs(which)) end(which, now_ns);
}

void dedupe_window::finish_too_large(place which, std::int64_t now_ns) {
    if (!runs(which)) return;
    ++counted_.replies_dropped;
    end(which, now_ns);
}

void dedupe_window::withdraw(place which) {
    if (runs(which)) release(which);
}

void dedupe_window::expire(std::int64_t now_ns) {
    while (finished_.oldest != nil && at(finished_.oldest).over_at_ns <= now_ns) {
        drop_finished(finished_.oldest);
    }
}

std::uint32_t dedupe_window::hash_of(const call_name& name) const noexcept {
    // Ids are chosen by callers, who do not know the seed and so cannot make them meet.
    const auto what = std::uint64_t{name.function} << 32 | name.attempt;
    const auto which = mix(name.id + what * 0x9e37'79b9'7f4a'7c15u);
    return static_cast<std::uint32_t>(mix(mix(name.origin + seed_) ^ which));
}

std::uint32_t dedupe_window::find(const call_name& name, std::uint32_t hash) noexcept {
    auto index = bucket_of(hash);
    while (index != nil && (links_[index].hash != hash || at(index).name != name))
        index = links_[index].chain;
    return index;
}

std::uint32_t dedupe_window::take(const window_holders::holder& for_whom) {
    if (free_ == nil && links_.size() >= bounds_.entries_max) {
        const auto* most = holders_.with_most_entries();
        if (most == nullptr) return nil;
        // One that has more, and none that is finished, takes nothing from those that have less.
        if (for_whom.finished == 0 && window_holders::has_more(for_whom, *most)) return nil;
        ++counted_.evicted_early;
        drop_finished(most->oldest);
    }
    if (free_ == nil) {
        if (links_.size() >= buckets_.size()) grow_buckets();
        if (links_.size() == chunks_.size() * chunk_size)
            chunks_.push_back(std::make_unique<entry[]>(chunk_size));
        links_.emplace_back();
        orders_.emplace_back();
        ++used_;
        return static_cast<std::uint32_t>(links_.size() - 1);
    }
    const auto index = free_;
    free_ = links_[index].chain;
    ++used_;
    return index;
}

void dedupe_window::grow_buckets() {
    buckets_.assign(buckets_.size() * 2, nil);
    for (std::uint32_t i = 0; i < links_.size(); ++i) {
        // None is free, else it would not have come to this.
        links_[i].chain = std::exchange(bucket_of(links_[i].hash), i);
    }
}

void dedupe_window::release(std::uint32_t index) noexcept {
    auto& it = at(index);
    auto* at_chain = &bucket_of(links_[index].hash);
    while (*at_chain != index) at_chain = &links_[*at_chain].chain;
    *at_chain = links_[index].chain;
    drop_reply(index);
    it.now = state::free;
    auto& holder = *std::exchange(orders_[index], {}).holder;
    --holder.entries;
    holders_.changed(holder);
    links_[index].chain = std::exchange(free_, index);
    --used_;
}

void dedupe_window::end(std::uint32_t index, std::int64_t now_ns) {
    auto& it = at(index);
    it.now = state::finished;
    constexpr auto never = std::numeric_limits<std::int64_t>::max();
    it.over_at_ns = now_ns > never - bounds_.window_ns ? never : now_ns + bounds_.window_ns;
    auto& its = orders_[index];
    its.older = finished_.newest;
    (its.older == nil ? finished_.oldest : orders_[its.older].newer) = index;
    finished_.newest = index;
    ++finished_.size;
    auto& of = *its.holder;
    (of.newest == nil ? of.oldest : orders_[of.newest].newer_of_holder) = index;
    of.newest = index;
    ++of.finished;
    if (it.kept && of.oldest_kept == nil) of.oldest_kept = index;
    holders_.changed(of);
}

void dedupe_window::drop_finished(std::uint32_t index) noexcept {
    const auto& its = orders_[index];
    (its.older == nil ? finished_.oldest : orders_[its.older].newer) = its.newer;
    (its.newer == nil ? finished_.newest : orders_[its.newer].older) = its.older;
    --finished_.size;
    auto& of = *its.holder;
    of.oldest = its.newer_of_holder;
    if (of.oldest == nil) of.newest = nil;
    if (of.oldest_kept == index) of.oldest_kept = of.oldest;
    --of.finished;
    release(index);
}

void dedupe_window::drop_reply(std::uint32_t index) noexcept {
    auto& it = at(index);
    if (!it.kept) return;
    bytes_held_ -= it.reply_bytes;
    orders_[index].holder->bytes -= it.reply_bytes;
    if (it.reply_bytes > small_bytes_max) it.reply = {};
    it.kept = false;
}

void dedupe_window::keep_to_bytes() noexcept {
    while (bytes_held_ > bounds_.bytes_max) {
        auto* most = holders_.with_most_bytes();
        if (most == nullptr) return;
        const auto oldest = most->oldest_kept;
        if (at(oldest).kept) {
            drop_reply(oldest);
            ++counted_.replies_dropped;
        }
        most->oldest_kept = orders_[oldest].newer_of_holder;
        holders_.changed(*most);
    }
}

}  // namespace dunlin::cluster
