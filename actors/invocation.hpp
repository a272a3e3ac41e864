// SPDX-License-Identifier: Apache-2.0
//
// One call on its way through a node.
//
// It is decoded once; its views point into memory that the bundle around it keeps alive, and it
// is read-only afterwards but for the two signals that cross threads: the stop, and who runs it.
#pragma once

#include "actors/stop_signal.hpp"

#include <dunlin/bytes.hpp>

#include <atomic>
#include <cstdint>
#include <limits>
#include <string_view>

namespace dunlin::actors {

class activation_table;
class answer_port;
class key_entry;

/// Where an answer belongs at its port. A stale generation means: answered already.
struct answer_address {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    /// Of what the port keeps there: the place of an operation in its call.
    std::uint32_t part = 0;
    friend bool operator==(const answer_address&, const answer_address&) = default;
};

/// No deadline, on the steady clock in nanoseconds.
inline constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

/// Takes a call to another node, and can be told that nobody waits for it any more.
class call_carrier {
public:
    virtual ~call_carrier() = default;
    virtual void withdraw(answer_address carried, errc reason) = 0;
};

struct invocation {
    std::uint64_t id = 0;      // at the process that made the call
    std::uint64_t source = 0;  // that process; 0: not told
    bytes_view payload;
    bytes_view key;
    std::string_view trace;
    std::int64_t deadline_ns = no_deadline;
    std::int64_t arrived_ns = 0;  // at this node; 0: it was made here, by a function
    std::uint32_t attempt = 0;
    std::uint32_t retries_left = 0;

    answer_port* origin = nullptr;
    answer_address address;

    stop_signal stop;
    /// Which activation runs it, once it runs here. Set before `runner`, its table.
    std::uint32_t runner_slot = 0;
    std::uint32_t runner_generation = 0;
    /// An activation had to be started for its bundle (a cold start). Set before it runs.
    bool cold = false;
    /// What it holds of its key's state is stored.
    bool turn_stored = false;
    /// It has done what running it again would do twice: called others, or committed.
    bool reached_out = false;
    /// How often it has had a turn that did not count, as the store had another value.
    std::uint8_t reruns = 0;
    /// How often a node that had it has sent it on to a later owner of its key.
    std::uint8_t moves = 0;
    /// The key that it holds since it came; null: it waits for its turn, has had it, or needs none.
    key_entry* turn = nullptr;
    /// ... and the object there, if it was one of the function's type then.
    void* turn_object = nullptr;
    std::atomic<activation_table*> runner{nullptr};
    /// What took it to another node, and how that knows it. Set once, before `carrier`.
    answer_address carried;
    std::atomic<call_carrier*> carrier{nullptr};
};

}  // namespace dunlin::actors
