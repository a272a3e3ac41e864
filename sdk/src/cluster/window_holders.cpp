// SPDX-License-Identifier: Apache-2.0
#include "cluster/window_holders.hpp"

#include "cluster/random.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::cluster {

namespace {

/// Whether a rank has to be looked at again. Each call changes its caller's amounts by a little,
/// and back when an old one is forgotten.
bool has_moved(std::size_t now, std::size_t ranked) noexcept {
    const auto moved = now > ranked ? now - ranked : ranked - now;
    return moved > ranked >> 6;
}

}  // namespace

std::size_t window_holders::bucket_of(std::uint64_t caller) const noexcept {
    return mix(caller ^ seed_) & (index_.size() - 1);
}

void window_holders::grow_index() {
    std::vector<std::uint32_t> before(std::max<std::size_t>(16, 2 * index_.size()), nil);
    before.swap(index_);
    for (auto which : before)
        while (which != nil) {
            auto& each = holders_[which];
            const auto next = each.chain;
            each.chain = std::exchange(index_[bucket_of(each.caller)], which);
            which = next;
        }
}

window_holders::holder& window_holders::open(const window_share& share) {
    // An allow-list that is read anew changes weights; the ranks follow with the next entries.
    const auto weight = std::max<std::uint32_t>(share.weight, 1);
    if (last_ == nullptr || last_->caller != share.caller) {
        auto place = index_.empty() ? nil : index_[bucket_of(share.caller)];
        while (place != nil && holders_[place].caller != share.caller)
            place = holders_[place].chain;
        last_ = find(place);
    }
    if (last_ == nullptr) {
        if (holders_.size() >= index_.size()) grow_index();
        const auto place = holders_.take();
        auto& made = holders_[place];
        made.caller = share.caller;
        made.place = place;
        made.chain = std::exchange(index_[bucket_of(share.caller)], place);
        last_ = &made;
    }
    last_->weight = weight;
    return *last_;
}

void window_holders::changed(holder& now) noexcept {
    if (now.entries == 0) return end(now);
    // Running entries are never given up: a holder that has no others cannot give way.
    const auto entries = now.finished == 0 ? 0 : now.entries;
    if (has_moved(entries, now.entries_ranked)) {
        now.entries_ranked = entries;
        if (entries == 0)
            by_entries_.take_out(holders_, now.place);
        else
            by_entries_.put(holders_, now.place, entries, now.weight);
    }
    if (has_moved(now.bytes, now.bytes_ranked)) {
        now.bytes_ranked = now.bytes;
        if (now.bytes == 0)
            by_bytes_.take_out(holders_, now.place);
        else
            by_bytes_.put(holders_, now.place, now.bytes, now.weight);
    }
}

void window_holders::end(holder& which) noexcept {
    const auto place = which.place;
    by_entries_.take_out(holders_, place);
    by_bytes_.take_out(holders_, place);
    auto* link = &index_[bucket_of(which.caller)];
    while (*link != place) link = &holders_[*link].chain;
    *link = which.chain;
    if (last_ == &which) last_ = nullptr;
    holders_.give_back(place);
}

}  // namespace dunlin::cluster
