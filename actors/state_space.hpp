// SPDX-License-Identifier: Apache-2.0
//
// The keys of one space on this node: turns, values in memory, and the way to the store.
//
// Calls of keyed functions come here before they wait for an activation. One whose key is free
// holds it from then on; the others wait at the key, and are run in one go by the activation that
// has it, each with its own reply. A key whose value is not in memory is read first, once for all
// who ask. What a turn has changed goes to the store with what other turns have (`store_writer`),
// and replies that depend on it are held until it is there; the value in memory goes on meanwhile.
//
// Nobody waits on a thread. Safe from any thread; the lock of a shard is held for a few steps, and
// never while code of a module or of a store runs, but for copies of small values.
#pragma once

#include "actors/environment.hpp"
#include "actors/key_entry.hpp"
#include "actors/state/state_store.hpp"
#include "actors/state_shard.hpp"

#include <dunlin/result.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin::actors {

class pool;

/// Takes keys to the store and from it. Any thread.
class store_traffic {
public:
    virtual ~store_traffic() = default;
    virtual void read_soon(key_entry& key) = 0;
    virtual void write_soon(key_entry& key) = 0;
};

/// Unix time, for values that expire.
using wall_clock_ms = std::int64_t (*)() noexcept;

/// What a turn came to, as its activation knows it.
struct turns_done {
    held_replies replies;  // that may depend on a change
    bool changed = false;  // the value is another one
    bool encoded = false;  // ... and its encoded form is current
    call_name writer;      // the last call that changed it
    bool expiry_said = false;
    std::int64_t expires_ms = 0;
    std::size_t calls = 0;
    void clear() noexcept {
        replies.clear();
        changed = encoded = expiry_said = false;
        calls = 0;
    }
};

/// What an operator does with a key: a turn like others, alone with it, that runs no user code but
/// the type of the state. Runs on whichever thread gives the key on.
class key_task {
public:
    virtual ~key_task() = default;
    /// `why`: the value cannot be read, and nothing can be done.
    virtual void run(key_entry* key, const dunlin_state_type* type, const error* why,
                     turns_done& done) = 0;
};

class state_space {
public:
    struct options {
        std::string name;
        /// Of the objects that stay in memory; null: calls take turns, and there are no values.
        const dunlin_state_type* type = nullptr;
        std::uint32_t number = 0;  // for the store
        std::uint32_t mode = DUNLIN_STATE_DURABLE;
        std::size_t bytes_max = std::size_t{256} << 20;
        std::size_t waiting_max = 16384;  // calls at one key
    };
    struct status {
        std::size_t keys = 0;   // in memory
        std::size_t bytes = 0;  // ... that they and their values take
        shard_counters counted;
    };
    struct arrivals {
        std::uint32_t hold = 0;     // their keys
        std::uint32_t refused = 0;  // and answered: too many wait at their keys
    };

    /// `traffic` is null for a space without a store.
    state_space(options how, store_traffic* traffic, wall_clock_ms now_ms);
    ~state_space();
    state_space(const state_space&) = delete;
    state_space& operator=(const state_space&) = delete;

    [[nodiscard]] const options& how() const noexcept { return options_; }
    [[nodiscard]] bool stored() const noexcept { return traffic_ != nullptr; }
    [[nodiscard]] bool durable() const noexcept {
        return traffic_ != nullptr && options_.mode == DUNLIN_STATE_DURABLE;
    }
    [[nodiscard]] status look() const;

    /// Takes no calls from now on, and says why; with an empty text it does again. What is under
    /// way ends as it would. @returns whether it took none before.
    bool refuse(std::string why);

    // -- turns ---------------------------------------------------------------------------------
    /// The bundle's calls come to their keys. Those that hold theirs from now on have `turn` set;
    /// the others wait, and come back with a grant.
    [[nodiscard]] arrivals arrive(pool& of, const bundle_ptr& work);
    /// Calls of a bundle that will not run after all: they have been stopped, and their keys go to
    /// the next.
    void withdraw(bundle& work);
    /// What a call that holds its key since `arrive` has been granted.
    [[nodiscard]] key_grant grant_of(pool& of, const bundle_ptr& work, std::uint32_t index);

    /// The object for the calls of a grant. An error is what they are told.
    [[nodiscard]] result<void*> object(key_grant& held);
    /// Before a turn that may change the object, which can then be undone.
    [[nodiscard]] result<void> protect(const key_grant& held);
    void undo(key_grant& held);

    /// What the grant's calls have done up to now goes to the store; the grant goes on, and what it
    /// does from now on can be undone to here.
    void commit(key_grant& held, turns_done& done);
    /// The grant has ended. @returns the next one of the same pool, if its turn is now; others are
    /// sent to their pools.
    [[nodiscard]] key_grant finish(key_grant&& held, turns_done& done);

    /// Something that is no call has a turn at that key, alone with it or with others that read.
    void operate(std::string_view key, std::shared_ptr<key_task> what, bool writes = true);
    /// The value under another key than that of a turn, encoded, to a port: as the last turn has
    /// left it, once the store has that. `stale`: the turn that works on it now is not waited for.
    void read(std::string_view key, bool stale, answer_port& port, answer_address to);

    // -- the store -----------------------------------------------------------------------------
    /// The value that was read, or why it was not.
    void was_read(key_entry& key, result<stored_state> found);
    /// What to write of a key. @returns false when there is nothing, or when a turn is in the way,
    /// which has it written when it is done. The encoded value is appended to `bytes`.
    [[nodiscard]] bool begin_commit(key_entry& key, state_write& write, output_buffer& bytes);
    /// How that ended. Replies that may leave are added to `released`.
    void end_commit(key_entry& key, const state_write& write, held_replies& released);

private:
    friend class state_shard;
    using held_lock = std::unique_lock<std::mutex>;

    [[nodiscard]] state_shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> 58]; }
    /// What leaves a shard's lock with it: what is destroyed, sent and asked for without it.
    struct aftermath {
        std::vector<hot_value> evicted;
        std::vector<key_grant> granted;
        held_replies now;
        held_replies dead;
        key_entry* read = nullptr;
        key_entry* write = nullptr;
    };
    void settle(aftermath& after);
    void run_task(key_grant held);

    // With the lock of the key's shard.
    [[nodiscard]] bool takes_alone(const pool& of) const;
    /// A function whose calls come.
    struct arriving {
        pool& of;
        bool writes;
        bool alone;
    };
    enum class arrival : std::uint8_t { holds, waits, crowded, no_room };
    [[nodiscard]] arrivals refuse_all(bundle& work) const;
    [[nodiscard]] arrival come_to_key(const arriving& who, turn call, aftermath& after);
    [[nodiscard]] bool wait(key_entry& key, key_turns::waiter who, key_entry*& read);
    void note(key_entry& key, turns_done& done, aftermath& after);
    void go_on(key_entry& key, pool* own, key_grant* next, aftermath& after);
    void rest(key_entry& key, aftermath& after);
    void prepare(held_lock& lock, key_entry& key, aftermath& after);
    static void take_along(key_entry& key);
    [[nodiscard]] static result<bool> encode(held_lock& lock, key_entry& key, output_buffer& bytes);
    void fill_in(state_write& write, const key_entry& key, bool present, std::int64_t expires_ms,
                 const call_name& writer) const;
    void refused(key_entry& key, aftermath& after);
    void forget_if_expired(key_entry& key) const;
    static void drop_value(key_entry& key);

    static constexpr std::size_t shard_count = 64;

    const options options_;
    store_traffic* const traffic_;
    const wall_clock_ms now_ms_;
    const std::uint64_t seed_;
    state_memory memory_;
    std::atomic<bool> refuses_{false};
    mutable std::mutex why_mutex_;
    std::string why_refused_;
    mutable std::array<state_shard, shard_count> shards_;
};

}  // namespace dunlin::actors
