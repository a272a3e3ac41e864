// SPDX-License-Identifier: Apache-2.0
//
// A part of a space's keys, with a lock of its own: finding one, making room for one.
//
// Keys stay where they are in memory until they are forgotten, which happens to idle ones only, in
// the order that the cache's policy says, while all shards of the space together take more than
// they may. Keys are found by a table of open addressing over their hashes. Owned by its space.
#pragma once

#include "actors/key_entry.hpp"
#include "actors/state/replacement_policy.hpp"
#include "cluster/rendezvous.hpp"
#include "support/slab.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace dunlin::actors {

class state_space;

/// By which a key is found in memory. Not the hash by which owners are found: a caller who knows
/// that could have all keys fall into one place of the table.
[[nodiscard]] inline std::uint64_t key_hash(std::string_view key, std::uint64_t seed) noexcept {
    return cluster::mix(cluster::name_hash(key) ^ seed);
}

/// What the keys of a space take in memory, and may; its shards count together.
struct state_memory {
    std::atomic<std::size_t> bytes{0};
    std::size_t bytes_max = 0;
    [[nodiscard]] bool full() const noexcept {
        return bytes.load(std::memory_order_relaxed) > bytes_max;
    }
    /// Beyond what keys that are in use may take on top.
    [[nodiscard]] bool overfull() const noexcept {
        return bytes.load(std::memory_order_relaxed) > bytes_max + bytes_max / 20;
    }
};

struct shard_counters {
    std::uint64_t found = 0;    // calls whose key was in memory
    std::uint64_t missed = 0;   // ... was not, or not yet
    std::uint64_t reads = 0;    // of the store
    std::uint64_t evicted = 0;  // keys
    std::uint64_t turns = 0;
    std::uint64_t commits = 0;  // of keys; of several turns each
    std::uint64_t conflicts = 0;
    std::uint64_t offered = 0;  // keys that have moved, of which their new owners were told
    std::uint64_t taken = 0;    // ... that were read here because of that
};

class state_shard {
public:
    state_shard() = default;
    state_shard(const state_shard&) = delete;
    state_shard& operator=(const state_shard&) = delete;

    std::mutex mutex;
    state_space* space = nullptr;
    state_memory* memory = nullptr;
    shard_counters counted;
    std::size_t waiting = 0;  // calls, for their turns at all keys

    // All of these with the lock.

    /// Null when the key is not in memory.
    [[nodiscard]] key_entry* find(std::uint64_t hash, std::string_view key) noexcept;
    [[nodiscard]] key_entry& add(std::uint64_t hash, std::string_view key);
    /// Somebody has used it.
    void touched(key_entry& key) noexcept { policy_.touched(key.slot); }
    /// See `replacement_policy::heat`.
    [[nodiscard]] std::uint32_t heat(const key_entry& key) const noexcept {
        return policy_.heat(key.slot);
    }
    /// It takes another number of bytes now.
    void weigh(key_entry& key);
    /// Takes idle keys out until the rest fits; to be destroyed without the lock.
    void evict(std::vector<hot_value>& out);

    template <class Visit>
    void for_each(Visit&& visit) {
        for (const auto slot : table_)
            if (slot != nothing) visit(entries_[slot]);
    }

    void lend_activity(key_entry& key);
    void take_activity_back(key_entry& key);

    [[nodiscard]] std::size_t keys() const noexcept { return used_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return policy_.bytes(); }
    /// About its part of what the space may have: what the policy sizes its queues by.
    void set_budget(std::size_t bytes_max) { policy_.set_budget(bytes_max); }

private:
    static constexpr std::uint32_t nothing = 0xffff'ffffu;
    static constexpr std::size_t spares_max = 64;

    void rehash(std::size_t places);
    void count(std::size_t before) noexcept;
    void forget(key_entry& key);

    std::vector<std::uint32_t> table_;  // slots, by hash
    support::slab<key_entry> entries_;
    std::size_t used_ = 0;
    replacement_policy policy_{0};
    std::vector<std::unique_ptr<key_activity>> spares_;
};

}  // namespace dunlin::actors
