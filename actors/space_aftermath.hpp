// SPDX-License-Identifier: Apache-2.0
//
// What leaves the lock of a shard with the one who had it: what is destroyed, sent and asked for
// without it. Plain data.
#pragma once

#include "actors/key_entry.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::actors {

class pool;

/// Why what a turn has changed is not stored.
enum class loss : std::uint8_t {
    failed,
    beaten,  // another node has written first
};

struct space_aftermath {
    std::vector<hot_value> evicted;
    std::vector<key_grant> granted;
    held_replies now;
    held_replies dead;
    bool in_doubt = false;                                // the store may have what they changed
    std::string unstorable;                               // why they are, if it is the value
    held_replies beaten;                                  // other nodes' writes came first
    held_replies doubtful;                                // stored, and perhaps too late
    held_replies delayed;                                 // not stored yet
    std::vector<std::pair<pool*, std::int32_t>> waiting;  // so many of its calls, again
    key_entry* read = nullptr;
    key_entry* write = nullptr;
    std::size_t write_bytes = 0;  // that the key takes, in a relaxed space
    bool awaited = false;         // somebody waits for that, or for what is to be written later

    /// The key has changed, and is not queued yet.
    void queue(key_entry& key, bool relaxed) {
        key.queued = true;
        write = &key;
        if (!relaxed) return;
        write_bytes = key.value.bytes() + key.key.size();
        if (!key.work().next.empty()) awaited = true;
    }
};

}  // namespace dunlin::actors
