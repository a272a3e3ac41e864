// SPDX-License-Identifier: Apache-2.0
//
// Least recently used: what others are measured against. As `actors::replacement_policy` otherwise.
#pragma once

#include "actors/state/slot_queue.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace dunlin::bench {

class lru_policy {
public:
    explicit lru_policy(std::size_t budget_bytes) : budget_bytes_(budget_bytes) {}

    void insert(actors::cache_slot slot, std::uint64_t /*key_hash*/, std::size_t bytes) {
        nodes_.reach(slot);
        nodes_[slot] = {};
        nodes_[slot].bytes = actors::node_bytes(bytes);
        entries_.push(nodes_, slot);
    }
    void touched(actors::cache_slot slot) noexcept { entries_.renew(nodes_, slot); }

    template <std::predicate<actors::cache_slot> IsPinned>
    [[nodiscard]] actors::cache_slot victim(IsPinned&& is_pinned) {
        for (auto looks = entries_.size(); looks > 0; --looks) {
            const auto slot = entries_.oldest();
            if (!is_pinned(slot)) {
                entries_.remove(nodes_, slot);
                return slot;
            }
            entries_.renew(nodes_, slot);
        }
        return actors::no_slot;
    }

    [[nodiscard]] std::size_t bytes() const { return entries_.bytes(); }
    [[nodiscard]] std::size_t budget_bytes() const { return budget_bytes_; }
    [[nodiscard]] std::size_t memory_bytes() const { return nodes_.memory_bytes(); }

private:
    actors::slot_nodes nodes_;
    actors::slot_queue entries_{1};
    std::size_t budget_bytes_;
};

}  // namespace dunlin::bench
