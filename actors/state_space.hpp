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
#include "actors/latency_counts.hpp"
#include "actors/shared_keys.hpp"
#include "actors/space_aftermath.hpp"
#include "actors/state/state_store.hpp"
#include "actors/state_shard.hpp"

#include <dunlin/result.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::actors {

class pool;

/// Takes keys to the store and from it. Any thread.
class store_traffic {
public:
    virtual ~store_traffic() = default;
    virtual void read_soon(key_entry& key) = 0;
    virtual void write_soon(key_entry& key) = 0;
    /// Of a relaxed space: when others have gathered. @param bytes that the key takes
    virtual void write_later(key_entry& key, std::size_t bytes) = 0;
    /// Somebody waits for what is to be written later.
    virtual void hurry() = 0;
    /// More of relaxed spaces has not been written, or for longer, than a crash may cost.
    [[nodiscard]] virtual bool behind() const noexcept = 0;
};

/// Unix time, for values that expire.
using wall_clock_ms = std::int64_t (*)() noexcept;

/// What a turn came to, as its activation knows it.
struct turns_done {
    held_replies replies;  // that may depend on a change
    bool changed = false;  // the value is another one
    bool encoded = false;  // ... and its encoded form is current
    call_name writer;      // the last call that changed it
    recent_calls recent;   // those that did and may come again
    bool expiry_said = false;
    std::int64_t expires_ms = 0;
    std::size_t calls = 0;
    // Where nodes share the store.
    std::vector<key_turns::waiter> ran;    // the calls of the replies
    std::vector<key_turns::waiter> again;  // had no turn, as the key is not the node's any more
    void clear() noexcept {
        replies.clear();
        ran.clear();
        again.clear();
        recent.clear();
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
        std::uint64_t hash_seed = 0;      // of where keys are kept; 0: drawn
    };
    struct status {
        std::size_t keys = 0;     // in memory
        std::size_t bytes = 0;    // ... that they and their values take
        std::size_t waiting = 0;  // calls, for their turns
        shard_counters counted;
        std::uint64_t batches = 0;         // writes of the store that had keys of this space
        std::uint64_t batches_failed = 0;  // ... and that the store failed at
        std::int64_t gate_ns_max = 0;
        std::string refused;  // why it takes no calls; empty: it does
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
    [[nodiscard]] bool relaxed() const noexcept {
        return traffic_ != nullptr && options_.mode == DUNLIN_STATE_RELAXED;
    }
    /// Whether the reply of a turn waits for the store. @param saw_stored what it found was there
    [[nodiscard]] bool gates(bool writes, bool saw_stored) const noexcept {
        if (traffic_ == nullptr) return false;
        if (options_.mode == DUNLIN_STATE_DURABLE) return writes || !saw_stored;
        return writes && traffic_->behind();
    }
    [[nodiscard]] status look() const;
    /// How long replies waited for the store: of those of one key that left together the first.
    [[nodiscard]] const latency_counts& gate_waits() const noexcept { return gate_waits_; }

    /// Other nodes use the store, too: what this one may do is said there. Before the first call.
    void share(std::shared_ptr<key_rights> rights) {
        sharing_ = std::make_unique<shared_keys>(std::move(rights), options_.name);
    }
    /// Null: no other node uses the store.
    [[nodiscard]] const shared_keys* sharing() const noexcept { return sharing_.get(); }

    /// Takes no calls from now on, and says why; with an empty text it does again. What is under
    /// way ends as it would. @returns whether it took none before.
    bool refuse(std::string why);

    // -- turns ---------------------------------------------------------------------------------
    /// Calls of that function have a key alone.
    [[nodiscard]] bool takes_alone(const pool& of) const;
    /// The bundle's calls come to their keys. Those that hold theirs from now on have `turn` set;
    /// the others wait, and come back with a grant.
    [[nodiscard]] arrivals arrive(pool& of, const bundle_ptr& work);
    /// Calls of a bundle that will not run after all: they have been stopped, and their keys go to
    /// the next.
    void withdraw(bundle& work);
    /// What a call that holds its key since `arrive` has been granted. `memory` is used for it.
    [[nodiscard]] key_grant grant_of(pool& of, const bundle_ptr& work, std::uint32_t index,
                                     std::vector<turn> memory);

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
    /// A write with keys of this space has ended.
    void end_batch(bool failed) noexcept {
        batches_.fetch_add(1, std::memory_order_relaxed);
        if (failed) batches_failed_.fetch_add(1, std::memory_order_relaxed);
    }

private:
    friend class state_shard;
    friend class key_handover;
    using aftermath = space_aftermath;
    using held_lock = std::unique_lock<std::mutex>;

    [[nodiscard]] state_shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> 58]; }
    void settle(aftermath& after);
    void run_task(key_grant held);

    // With the lock of the key's shard.
    /// A function whose calls come.
    struct arriving {
        pool& of;
        bool writes;
        bool alone;
        std::int64_t now_ns;  // of the lease
    };
    enum class arrival : std::uint8_t { holds, waits, crowded, no_room };
    [[nodiscard]] arrivals refuse_all(bundle& work) const;
    [[nodiscard]] arrival come_to_key(const arriving& who, const bundle_ptr& work,
                                      std::uint32_t index, aftermath& after);
    [[nodiscard]] bool wait(key_entry& key, key_turns::waiter who, aftermath& after);
    void note(key_entry& key, turns_done& done, aftermath& after);
    void go_on(key_entry& key, pool* own, key_grant* next, aftermath& after);
    void rest(key_entry& key, aftermath& after);
    void prepare(held_lock& lock, key_entry& key, aftermath& after);
    void leave_gate(key_activity& activity) noexcept;
    void refused(key_entry& key, loss why, aftermath& after);
    void read(key_entry& key, aftermath& after);
    void forget_if_expired(key_entry& key) const;

    static constexpr std::size_t shard_count = 64;

    const options options_;
    store_traffic* const traffic_;
    const wall_clock_ms now_ms_;
    const std::uint64_t seed_;
    state_memory memory_;
    std::unique_ptr<const shared_keys> sharing_;
    std::atomic<bool> refuses_{false};
    mutable std::mutex why_mutex_;
    std::string why_refused_;
    latency_counts gate_waits_;
    std::atomic<std::int64_t> gate_ns_max_{0};
    std::atomic<std::uint64_t> batches_{0};
    std::atomic<std::uint64_t> batches_failed_{0};
    mutable std::array<state_shard, shard_count> shards_;
};

}  // namespace dunlin::actors
