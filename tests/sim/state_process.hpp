// SPDX-License-Identifier: Apache-2.0
//
// One life of a node as far as its state goes, in virtual time.
//
// Pools, turns, values and the output gate are those of a node (`actors/`), and so is the way to
// find out what became of a failed write; the two threads between them and the store are the
// simulator's, and so is the store. Its functions append to lists: at once, after a while, with a
// commit in the middle, or in vain, as their call says. When it is killed nothing of it answers any
// more. One owner, one thread.
#pragma once

#include "actors/hot_state.hpp"
#include "tests/sim/script.hpp"
#include "tests/sim/virtual_store.hpp"
#include "tests/sim/virtual_time.hpp"
#include "tests/support/actor_harness.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {

/// What a call of these functions does.
enum class deed : std::uint32_t {
    append,        // at once
    append_again,  // ... of an idempotent function: may be sent again
    append_slow,   // half before a wait, half after it: one entry all the same
    append_late,   // commits the entry in the middle, and ends later
    fail,          // appends and fails: nothing of it may stay
    fail_slow,     // ... after a wait
    look,          // only reads
};

/// Their payload.
struct state_order {
    std::uint64_t id = 0;
    deed what = deed::append;
    std::uint32_t wait_us = 0;
};

class state_process final {
public:
    struct settings {
        std::size_t cache_bytes_max = std::size_t{1} << 20;
        std::uint64_t seed = 1;
        std::uint64_t instance = 1;
        // Protections that are missing, for tests that see it caught.
        bool replies_early = false;  // the gate does not hold
        bool names_lost = false;     // a call that is sent again is a new one
    };
    struct answer {
        std::uint64_t id = 0;
        std::uint32_t attempt = 0;
        result<void> with;
        std::vector<std::uint64_t> entries;  // of a look
        std::uint64_t count = 0;
    };
    using answered = std::function<void(const answer&)>;

    /// Spaces that it serves: with values whose copies cost something, and without.
    static constexpr std::array<const char*, 2> spaces{"lists", "cheap"};

    state_process(virtual_time& time, virtual_store& store, settings how, answered tell);
    ~state_process();
    state_process(const state_process&) = delete;
    state_process& operator=(const state_process&) = delete;

    void call(std::size_t space, const std::string& key, const state_order& order,
              std::int64_t deadline_ns, std::uint32_t attempt = 0);
    /// Nobody waits for it any more.
    void withdraw(std::uint64_t id, std::uint32_t attempt = 0);
    /// It is gone, in the middle of whatever it does.
    void kill();
    [[nodiscard]] bool dead() const noexcept { return dead_; }
    /// Nothing is under way: no turn, no read, no write, nothing to write.
    [[nodiscard]] bool idle() const noexcept;
    [[nodiscard]] std::uint64_t evicted() const;
    [[nodiscard]] std::uint64_t conflicts() const;

private:
    class traffic;
    class answers;
    struct part;

    void add_functions();
    std::int32_t run(const testing::call_view& call);
    void pump();
    void pump_soon();
    void watch_timers();
    void read(actors::key_entry& key);
    void begin_write();
    void end_write(bool failed, const virtual_store::outcomes& each);

    virtual_time& time_;
    virtual_store& store_;
    const settings how_;
    const answered tell_;
    script later_;
    bool dead_ = false;
    bool pumps_ = false;
    std::int64_t seen_ns_;
    std::int64_t timer_ns_;
    std::unique_ptr<answers> answers_;
    std::unique_ptr<traffic> state_;  // outlives the pools
    std::unique_ptr<testing::actor_harness> harness_;
    std::vector<actors::function_info> functions_;
    std::vector<actors::pool*> pools_;  // by space and kind of function
    std::size_t reads_ = 0;
    std::vector<actors::key_entry*> to_write_;
    std::vector<actors::key_entry*> writing_;
    std::vector<actors::state_write> batch_;
    actors::output_buffer bytes_;
};

}  // namespace dunlin::sim
