// SPDX-License-Identifier: Apache-2.0
#include "actors/state/replacement_policy.hpp"

#include <algorithm>

namespace dunlin::actors {

namespace {

// Shards and tables use some bits of a hash, so that all keys of a shard share those: mix them.
std::uint32_t fingerprint_of(std::uint64_t key_hash) noexcept {
    key_hash ^= key_hash >> 32;
    return static_cast<std::uint32_t>((key_hash * 0x9E3779B97F4A7C15ULL) >> 32);
}

std::size_t share_of(std::size_t bytes, double share) noexcept {
    return static_cast<std::size_t>(static_cast<double>(bytes) * share);
}

}  // namespace

replacement_policy::replacement_policy(std::size_t budget_bytes,
                                       const replacement_tuning& tuning) noexcept
    : uses_max_(std::min<std::uint32_t>(tuning.uses_max, 7)),
      tuning_(tuning) {
    set_budget(budget_bytes);
}

void replacement_policy::insert(cache_slot slot, std::uint64_t key_hash, std::size_t bytes) {
    nodes_.reach(slot);
    // Twice what entries of one size need: small ones leave more ghosts for their bytes.
    ghosts_.reserve(share_of(size() + 1, std::min(2 * tuning_.ghost_share, 1.0)));

    auto& node = nodes_[slot];
    node = {};
    node.bytes = node_bytes(bytes);
    node.fingerprint = fingerprint_of(key_hash);
    const bool back = ghosts_.take(node.fingerprint);
    // While much is free, nothing has to prove itself: the small queue alone would throw out what
    // there is room for. Less than a sixteenth is free by chance, when a large entry has left.
    const bool filling = this->bytes() + node.bytes + budget_bytes_ / 16 <= budget_bytes_ &&
                         small_.bytes() >= small_bytes_;
    (back || filling ? main_ : small_).push(nodes_, slot);

    came_bytes_ += node.bytes;
    now_ += static_cast<std::uint32_t>(came_bytes_ / stamp_bytes);
    came_bytes_ %= stamp_bytes;
    node.stamp = now_ & stamp_mask;
}

void replacement_policy::resized(cache_slot slot, std::size_t bytes) noexcept {
    queue_of(slot).resize(nodes_, slot, node_bytes(bytes));
}

void replacement_policy::erased(cache_slot slot) noexcept { queue_of(slot).remove(nodes_, slot); }

void replacement_policy::set_budget(std::size_t bytes) noexcept {
    budget_bytes_ = bytes;
    small_bytes_ = share_of(bytes, tuning_.small_share);
    ghosts_.set_life(share_of(bytes, tuning_.ghost_share));
    windows_[small_.name()] = window(tuning_.small_window);
    windows_[main_.name()] = window(tuning_.main_window);
}

std::uint32_t replacement_policy::window(double share) const noexcept {
    // At most half of what stamps can tell apart.
    return static_cast<std::uint32_t>(
        std::min<std::size_t>(share_of(small_bytes_, share) / stamp_bytes, stamp_mask / 2));
}

// Whether the oldest of its queue stays; it has its new place then.
bool replacement_policy::spare(cache_slot slot) noexcept {
    auto& node = nodes_[slot];
    if (node.queue == small_.name()) {
        if (node.count < tuning_.promote_at) return false;
        small_.remove(nodes_, slot);
        node.count = 0;
        main_.push(nodes_, slot);
        return true;
    }
    if (node.count == 0) return false;
    --node.count;
    main_.renew(nodes_, slot);
    return true;
}

cache_slot replacement_policy::leave(cache_slot slot) noexcept {
    auto& from = queue_of(slot);
    const auto& node = nodes_[slot];
    from.remove(nodes_, slot);
    if (&from == &small_) ghosts_.remember(node.fingerprint, node.bytes);
    return slot;
}

}  // namespace dunlin::actors
