// SPDX-License-Identifier: Apache-2.0
//
// Whose calls fill a dedupe window, so that a caller with very many forgets its own first.
//
// Each caller that has entries is a holder with a weight. When the window is full, the holder that
// has most by its weight gives way, by entries or by bytes; that one has at least its share, within
// a seventh, beside any others. So what a caller has below its share is safe from all others.
// Holders are few, kept in a slab and found by a seeded hash: callers cannot make them collide, and
// a call of a caller that is known allocates nothing. Constant time, amortised. Pure; one thread.
#pragma once

#include "support/slab.hpp"
#include "support/weighted_ranks.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::cluster {

/// Whose call it is, and what that one's share is worth beside others.
struct window_share {
    std::uint64_t caller = 0;
    std::uint32_t weight = 1;
};

class window_holders {
public:
    static constexpr std::uint32_t nil = support::no_place;

    struct holder {
        std::uint64_t caller = 0;
        std::size_t bytes = 0;  // of replies that are kept
        std::uint32_t weight = 1;
        std::uint32_t entries = 0;   // running and finished
        std::uint32_t finished = 0;  // of these, in a list in the order of their end
        std::uint32_t oldest = nil;
        std::uint32_t newest = nil;
        std::uint32_t oldest_kept = nil;  // no finished one before it has its reply
        std::uint32_t chain = nil;
        std::uint32_t place = nil;  // its own
        support::index_links entries_links;
        support::index_links bytes_links;
        std::uint16_t entries_rank = support::no_rank;
        std::uint16_t bytes_rank = support::no_rank;
        // With which it has these ranks; 0: it has none.
        std::uint32_t entries_ranked = 0;
        std::size_t bytes_ranked = 0;
    };

    explicit window_holders(std::uint64_t seed) noexcept : seed_(seed) {}

    /// That caller's holder, made if there is none. It stays where it is until it ends.
    [[nodiscard]] holder& open(const window_share& share);
    /// Its entries or bytes have changed; it ends when it has none.
    void changed(holder& which) noexcept;

    /// Of those that have finished entries, one that has most entries by its weight, or null.
    [[nodiscard]] holder* with_most_entries() noexcept { return find(by_entries_.largest()); }
    /// The same by bytes.
    [[nodiscard]] holder* with_most_bytes() noexcept { return find(by_bytes_.largest()); }
    /// Whether this one, which need not have finished entries, has more by its weight than that
    /// one.
    [[nodiscard]] static bool has_more(const holder& which, const holder& than) noexcept {
        return entry_ranks::rank_of(which.entries, which.weight) > than.entries_rank;
    }
    [[nodiscard]] std::size_t size() const noexcept { return holders_.size(); }

private:
    using entry_ranks =
        support::weighted_ranks<holder, &holder::entries_links, &holder::entries_rank>;
    using byte_ranks = support::weighted_ranks<holder, &holder::bytes_links, &holder::bytes_rank>;

    [[nodiscard]] std::size_t bucket_of(std::uint64_t caller) const noexcept;
    void grow_index();
    [[nodiscard]] holder* find(std::uint32_t place) noexcept {
        return place == nil ? nullptr : &holders_[place];
    }
    void end(holder& which) noexcept;

    std::uint64_t seed_;
    support::slab<holder> holders_;
    std::vector<std::uint32_t> index_;  // first of a chain of holders, by hash
    holder* last_ = nullptr;            // that was opened: calls of one caller come together
    entry_ranks by_entries_;
    byte_ranks by_bytes_;
};

}  // namespace dunlin::cluster
