// SPDX-License-Identifier: Apache-2.0
//
// One key of a space, as a node has it in memory: its value, who works with it, and what of it is
// on its way to the store.
//
// Most keys are idle, and have a value and nothing else. What a key needs while somebody works with
// it (`key_activity`) is lent to it for that time. Owned by a shard and guarded by its lock, except
// where `hot_value` says who may touch what.
#pragma once

#include "actors/held_replies.hpp"
#include "actors/key_turns.hpp"
#include "actors/state/hot_value.hpp"
#include "actors/state/state_store.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::actors {

class state_shard;

/// What a key has while it is not idle.
struct key_activity {
    key_turns turns;
    held_replies next;     // of turns that no commit has taken along yet
    held_replies leaving;  // ... that the commit under way has
    /// For the undo of a turn, of the type of the value; null: not needed yet.
    void* spare = nullptr;
    const dunlin_state_type* spare_type = nullptr;
    call_name writer;  // the last call that changed the value
    /// What the store is to be given, made by a turn that was in the way of the one who takes it.
    struct {
        bool made = false;
        bool present = false;
        std::int64_t expires_ms = 0;
        call_name writer;
        std::vector<std::byte> value;
    } prepared;
    key_activity() = default;
    key_activity(const key_activity&) = delete;
    key_activity& operator=(const key_activity&) = delete;
    ~key_activity() {
        if (spare != nullptr) spare_type->destroy(spare);
    }
};

class key_entry {
public:
    enum class standing : std::uint8_t {
        unread,   // nobody knows the value
        reading,  // it is being read from the store
        known,    // it is in memory
    };

    std::string key;
    std::uint64_t hash = 0;
    state_shard* home = nullptr;
    std::uint32_t slot = 0;
    standing what = standing::unread;
    bool changed = false;       // the value is newer than what the store has or is being given
    bool committing = false;    // the store is being given one
    bool queued = false;        // for the next commit
    bool awaited = false;       // ... which the turn that runs now prepares when it is done
    bool lost = false;          // the store has refused it: what works with it now works in vain
    std::uint64_t version = 0;  // in the store, as far as is known
    std::int64_t expires_ms = 0;
    call_name writer;
    hot_value value;
    std::unique_ptr<key_activity> active;

    [[nodiscard]] key_activity& work() { return *active; }
    /// Nobody works with it, and the store has it: it may be forgotten.
    [[nodiscard]] bool idle() const noexcept { return active == nullptr; }
};

}  // namespace dunlin::actors
