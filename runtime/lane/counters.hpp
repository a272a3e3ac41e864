// SPDX-License-Identifier: Apache-2.0
//
// What a lane counts. Each counter has one writer, the lane's thread (the watchdog for takeovers),
// and any thread may read: relaxed atomics without read-modify-write, so counting costs a store.
// Never reset, never negative.
#pragma once

#include <atomic>
#include <cstdint>

namespace dunlin::runtime {

class counter {
public:
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    /// Whoever sees the value sees what was counted before it.
    void publish(std::uint64_t n) noexcept { value_.store(n, std::memory_order_release); }
    [[nodiscard]] std::uint64_t get() const noexcept {
        return value_.load(std::memory_order_acquire);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// A counter that several threads write: each time a read-modify-write.
class shared_counter {
public:
    void add() noexcept { value_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct lane_counters {
    counter turns;  // how often it looked for work
    counter frames_received;
    counter frames_sent;
    counter frames_malformed;
    counter frames_oversized;
    counter frames_before_hello;
    counter connections_refused;  // wrong protocol, version or role
    counter handshakes_failed;    // of ZeroMQ: no key, or one that does not fit
    counter impostors;            // pretended to be a node, or somebody else
    counter permission_denied;    // calls that the caller may not make
    counter peers_expelled;       // their key was taken off the allow-list
    counter invocations_received;
    counter replies_sent;
    counter failures_sent;
    counter answers_late;              // the second answer to a call, dropped
    shared_counter answers_after_end;  // the same, once the lane has answered all and ended
    counter answers_undeliverable;     // the asker was gone
    counter calls_overdue;             // their deadline had passed when they were read
    counter calls_forwarded;           // sent to another node, again or for the first time
    counter calls_retried;             // sent again
    counter calls_lost_twice;          // and so not sent again
    counter calls_kept_for_owner;      // of their key, which was out of reach
    counter peers_connected;           // since the start
    counter peers_slow_dropped;        // did not read their replies
    counter peers_silent_dropped;      // had calls in flight and did not answer pings
    counter connections;               // now, with those that have not said hello
    counter connections_ended;         // by this node, for whatever reason; of them:
    counter connections_speechless;    // said no hello in time
    counter connections_flooding;      // sent more than the lane could read
    counter connections_beyond_limit;  // there were too few descriptors
    counter routing_ids_claimed;       // chose an id that only ZeroMQ makes up
    counter takeovers;                 // a function held the lane too long
    counter calls_cut_short;           // answered by the end of the lane
    counter peers;                     // now
    counter draining;                  // 1: takes no new connections' calls
    counter peers_unaware;    // now: may still send calls without knowing that this node drains
    counter calls_open;       // now
    counter links_coming_up;  // now: to members, new, and of no use yet
    counter members_seen;     // now, by this lane; published after the one before
};

}  // namespace dunlin::runtime
