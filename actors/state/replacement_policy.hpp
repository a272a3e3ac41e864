// SPDX-License-Identifier: Apache-2.0
//
// Which entry a cache throws out next: the policy of one shard of the hot state.
//
// LRU lets a scan throw out everything, and keeps what was used once as long as what is used all
// the time. This is S3-FIFO (Yang et al., SOSP 2023): new entries pass through a small queue, and
// only those that are used again on the way reach the main one, a clock with a few bits for each; a
// key that comes back soon after it was thrown out of the small queue goes there at once (see
// `ghost_table`). To that it adds the correlation window of Clock2Q+ (arXiv 2511.21958), in both
// queues: calls of one key come in bursts, and a burst is one use, however many calls it has. So a
// use counts only when a certain share of the cache has come in since the last one that counted.
// docs/decisions/0031 has the figures of this and of others.
//
// Guarantees: an entry that is pinned is never thrown out; whatever is thrown out has left this
// policy; `touched` is a few instructions and allocates nothing; `victim` looks at 64 entries at
// most, and goes on from there when it is asked again. 24 to 26 bytes for each entry, of the most
// there have been.
//
// No thread, no clock, no lock: called under the lock of the shard that owns it.
#pragma once

#include "actors/state/ghost_table.hpp"
#include "actors/state/slot_queue.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

/// The numbers in it; these are the ones that are used, others are for measuring.
struct replacement_tuning {
    double small_share = 0.1;    // of the budget: the queue that new entries pass through
    double ghost_share = 0.25;   // of the budget: bytes thrown out before a key is forgotten
    double small_window = 0.25;  // of the small queue: how far apart uses have to be to count there
    double main_window = 0.5;    // of the small queue, too: the same in the main one
    std::uint32_t promote_at = 1;  // uses in the small queue that lead to the main one
    std::uint32_t uses_max = 7;    // that are counted; 7 is the most there is room for
};

class replacement_policy {
public:
    /// Entries that one call of `victim` looks at.
    static constexpr std::size_t looks_max = 64;

    explicit replacement_policy(std::size_t budget_bytes,
                                const replacement_tuning& tuning = {}) noexcept;

    /// An entry that is new. `bytes`: all that it takes, at most 4 GiB. Throws when there is no
    /// memory, and nothing has changed then. @pre no entry has the slot.
    void insert(cache_slot slot, std::uint64_t key_hash, std::size_t bytes);
    /// A call uses the entry. @pre as for all below, an entry has the slot.
    void touched(cache_slot slot) noexcept {
        auto& node = nodes_[slot];
        if (((now_ - node.stamp) & stamp_mask) < windows_[node.queue]) return;
        node.stamp = now_ & stamp_mask;
        if (node.count < uses_max_) ++node.count;
    }
    void resized(cache_slot slot, std::size_t bytes) noexcept;
    /// It is gone for another reason than `victim`, and not remembered.
    void erased(cache_slot slot) noexcept;

    /// The entry that has to leave next: it has left the policy when this returns, and its key is
    /// remembered. `no_slot` when all are pinned, or as many as are looked at: asking again, with
    /// the next entry that comes, looks at others.
    template <std::predicate<cache_slot> IsPinned>
    [[nodiscard]] cache_slot victim(IsPinned&& is_pinned) {
        std::size_t pinned_in_small = 0;
        std::size_t pinned_in_main = 0;
        spared_entry spared;
        for (std::size_t looks = 0; looks < looks_max; ++looks) {
            const bool small_is_left = pinned_in_small < small_.size();
            const bool main_is_left = pinned_in_main < main_.size();
            if (!small_is_left && !main_is_left) break;
            // The small queue while it is too large, unless half of the looks were in vain: a queue
            // full of pinned entries must not hide the other one.
            const bool small_first = small_.bytes() > small_bytes_
                                         ? pinned_in_small < looks_max / 2
                                         : pinned_in_main >= looks_max / 2;
            const bool in_small = small_is_left && (small_first || !main_is_left);
            auto& from = in_small ? small_ : main_;
            const auto slot = from.oldest();
            if (is_pinned(slot)) {
                // Behind all others, where the next looks do not meet it again.
                from.renew(nodes_, slot);
                ++(in_small ? pinned_in_small : pinned_in_main);
                continue;
            }
            const auto uses = nodes_[slot].count;
            if (!spare(slot)) return leave(slot);
            if (uses < spared.uses) spared = {slot, uses};
        }
        // All that were looked at are in use: the least used of them.
        return spared.slot == no_slot ? no_slot : leave(spared.slot);
    }

    /// Of two entries the one with the larger number is hotter: has been used more often in the
    /// main queue, is there or about to go there, or has come or been used later.
    [[nodiscard]] std::uint32_t heat(cache_slot slot) const noexcept {
        const auto& node = nodes_[slot];
        const std::uint32_t uses = node.count;
        const std::uint32_t rank = node.queue == main_.name() ? uses + 1 : std::min(uses, 1U);
        return (rank << 27) | (stamp_mask - ((now_ - node.stamp) & stamp_mask));
    }

    /// What is beyond a smaller budget goes as `victim` is asked for it.
    void set_budget(std::size_t bytes) noexcept;
    [[nodiscard]] std::size_t budget_bytes() const noexcept { return budget_bytes_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return small_.bytes() + main_.bytes(); }
    [[nodiscard]] std::size_t size() const noexcept { return small_.size() + main_.size(); }
    [[nodiscard]] bool over_budget() const noexcept { return bytes() > budget_bytes_; }
    [[nodiscard]] bool holds(cache_slot slot) const noexcept { return nodes_.in_use(slot); }
    [[nodiscard]] const ghost_table& ghosts() const noexcept { return ghosts_; }
    /// What the policy itself takes.
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return nodes_.memory_bytes() + ghosts_.memory_bytes();
    }

private:
    // Of 64 bytes that came in, and 27 bits of them: a span of 8 GiB, of which a window is a
    // small part. What was not used for just that long loses one use at worst.
    static constexpr std::size_t stamp_bytes = 64;
    static constexpr std::uint32_t stamp_mask = (1U << 27) - 1;

    struct spared_entry {
        cache_slot slot = no_slot;
        std::uint32_t uses = ~std::uint32_t{0};
    };

    [[nodiscard]] bool spare(cache_slot slot) noexcept;
    cache_slot leave(cache_slot slot) noexcept;
    [[nodiscard]] slot_queue& queue_of(cache_slot slot) noexcept {
        return nodes_[slot].queue == small_.name() ? small_ : main_;
    }
    [[nodiscard]] std::uint32_t window(double share) const noexcept;

    slot_nodes nodes_;
    slot_queue small_{1};
    slot_queue main_{2};
    std::uint32_t now_ = 0;  // what has come in, in units of `stamp_bytes`
    std::uint32_t uses_max_;
    std::array<std::uint32_t, 4> windows_{};  // by the names of queues, in the same units
    std::size_t small_bytes_ = 0;             // that the small queue may have
    std::size_t budget_bytes_ = 0;
    std::size_t came_bytes_ = 0;  // of the next unit
    replacement_tuning tuning_;
    ghost_table ghosts_;
};

}  // namespace dunlin::actors
