// SPDX-License-Identifier: Apache-2.0
//
// A cache that holds nothing: plays a trace to a replacement policy, and counts its hits.
//
// As the hot state does, an entry goes in first, pinned by the call that it was loaded for, and
// what is too much goes out after that. Hits count once the cache has warmed up.
#pragma once

#include "actors/state/slot_queue.hpp"
#include "tests/bench/cache/traces.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::bench {

[[nodiscard]] inline std::uint64_t hash_of_key(std::uint32_t key) {
    std::uint64_t mixed = key + 0x9E3779B97F4A7C15ULL;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
    return mixed ^ (mixed >> 31);
}

/// @returns the hits after the first third of the trace, of a hundred.
template <class Policy>
[[nodiscard]] double hit_percentage(Policy& policy, const cache_trace& trace) {
    std::vector<actors::cache_slot> slot_of(trace.keys, actors::no_slot);
    std::vector<std::uint32_t> key_in;
    std::vector<actors::cache_slot> free;
    const auto warm_at = trace.requests.size() / 3;
    std::size_t hits = 0;
    for (std::size_t at = 0; at < trace.requests.size(); ++at) {
        const auto& [key, bytes] = trace.requests[at];
        if (slot_of[key] != actors::no_slot) {
            policy.touched(slot_of[key]);
            if (at >= warm_at) ++hits;
            continue;
        }
        if (free.empty()) {
            free.push_back(static_cast<actors::cache_slot>(key_in.size()));
            key_in.push_back(0);
        }
        const auto slot = free.back();
        free.pop_back();
        key_in[slot] = key;
        slot_of[key] = slot;
        policy.insert(slot, hash_of_key(key), bytes);
        while (policy.bytes() > policy.budget_bytes()) {
            const auto gone =
                policy.victim([slot](actors::cache_slot each) { return each == slot; });
            if (gone == actors::no_slot) break;
            slot_of[key_in[gone]] = actors::no_slot;
            free.push_back(gone);
        }
    }
    return 100.0 * static_cast<double>(hits) / static_cast<double>(trace.requests.size() - warm_at);
}

}  // namespace dunlin::bench
