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
#include "actors/state/recent_calls.hpp"
#include "actors/state/state_store.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::actors {

class state_shard;

/// Of a store that others write to, too: calls whose replies wait, to be run again if it has
/// another value than they saw.
struct key_reruns {
    std::vector<key_turns::waiter> next;     // as `key_activity::next`
    std::vector<key_turns::waiter> leaving;  // as `key_activity::leaving`
    std::vector<key_turns::waiter> again;    // their turns did not count, and they go first
    bool lost_to_others = false;             // what is lost, is because another node has written
    /// The value was read, if that is needed before each turn, for those who had come by then.
    std::int64_t confirmed_ns = 0;
    /// `node_lease::decisions` when the read began that is under way.
    std::uint32_t decisions = 0;
};

/// What a key has while it is not idle.
struct key_activity {
    key_turns turns;
    held_replies next;     // of turns that no commit has taken along yet
    held_replies leaving;  // ... that the commit under way has
    // Since when the first of them waits.
    std::int64_t next_since_ns = 0;
    std::int64_t leaving_since_ns = 0;
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
    std::vector<std::byte> recent;       // `key_entry::recent`, as it is being stored
    std::unique_ptr<key_reruns> reruns;  // null: nobody else writes
    /// For one more reply, or more.
    [[nodiscard]] held_replies& held_next() { return since(next, next_since_ns); }
    [[nodiscard]] held_replies& held_leaving() { return since(leaving, leaving_since_ns); }
    [[nodiscard]] static std::int64_t now_ns() noexcept {
        return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    }
    key_activity() = default;
    key_activity(const key_activity&) = delete;
    key_activity& operator=(const key_activity&) = delete;
    ~key_activity() {
        if (spare != nullptr) spare_type->destroy(spare);
    }

private:
    static held_replies& since(held_replies& held, std::int64_t& since_ns) noexcept {
        if (held.empty()) since_ns = now_ns();
        return held;
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
    std::uint32_t epoch = 0;      // of the lease in which it was read; 0: it may be old at once
    std::uint16_t partition = 0;  // only where nodes share the store
    standing what = standing::unread;
    bool changed = false;       // the value is newer than what the store has or is being given
    bool committing = false;    // the store is being given one
    bool queued = false;        // for the next commit
    bool awaited = false;       // ... which the turn that runs now prepares when it is done
    bool lost = false;          // the store has refused it: what works with it now works in vain
    std::uint64_t version = 0;  // in the store, as far as is known
    /// Of a relaxed space: a write of which nobody knows whether it was stored. Version 0: none.
    struct {
        std::uint64_t version = 0;
        call_name writer;
    } doubt;
    std::int64_t expires_ms = 0;
    call_name writer;
    hot_value value;
    /// Idempotent calls that made it what it is. Changed by who holds the key alone, under the
    /// lock.
    std::unique_ptr<recent_calls> recent;  // null: there are none
    std::unique_ptr<key_activity> active;

    [[nodiscard]] key_activity& work() { return *active; }
    /// Nobody works with it, and the store has it: it may be forgotten.
    [[nodiscard]] bool idle() const noexcept { return active == nullptr; }
    /// Somebody has it, or the store does not have it yet: nothing else can be made of it now.
    [[nodiscard]] bool is_busy() const noexcept {
        return active->turns.held() || changed || committing;
    }
    /// Those have changed it after the others.
    void remember(const recent_calls& latest) {
        if (latest.empty()) return;
        if (!recent) recent = std::make_unique<recent_calls>();
        recent->append(latest);
    }
    /// Nobody knows the value any more.
    void drop_value() {
        value = {};
        recent.reset();
        changed = awaited = lost = false;
        doubt = {};
        version = 0;
        expires_ms = 0;
        what = standing::unread;
    }
};

}  // namespace dunlin::actors
