// SPDX-License-Identifier: Apache-2.0
//
// What activations need from the room above them, as interfaces without fields.
//
// The runtime passes its implementations in (lanes, router, logger, threads); tests pass a manual
// clock and recorders. All members are safe from any thread and outlive every pool.
#pragma once

#include "actors/bundle.hpp"

#include <dunlin/errc.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace caf {
class execution_unit;
}

namespace dunlin::actors {

class activation_table;
class decision_log;
class hot_state;
class memory_meter;
class pool;
class thread_keeper;

class steady_time {
public:
    virtual ~steady_time() = default;
    [[nodiscard]] virtual std::int64_t now_ns() const noexcept = 0;
    /// For how long this thread has had a processor. 0: not known, as if it only waited.
    [[nodiscard]] virtual std::int64_t processor_ns() const noexcept { return 0; }
};

/// The key at which a function has its turn while it calls another; without a space: none.
struct callers_turn {
    std::string_view space = {};
    bytes_view key = {};
};

/// Takes a call from a function to a function: finds the pool, here or elsewhere.
class call_router {
public:
    virtual ~call_router() = default;
    /// `single` holds one invocation. It is answered at its origin, also when it is refused: one
    /// that would wait for the very turn that its caller has is.
    virtual void route(std::string_view function, bundle_ptr single, const callers_turn& by) = 0;
    /// A call that waited here for a key which another node owns by now goes there, or is answered.
    virtual void send_on(pool& of, bundle_ptr work, std::uint32_t index) = 0;
};

/// A timer of one operation: when it fires, the operation ends with `code`.
struct operation_timer {
    activation_table* owner = nullptr;
    answer_address operation;
    std::int64_t deadline_ns = 0;
    std::int32_t code = 0;
    virtual ~operation_timer() = default;
};

class timer_service {
public:
    virtual ~timer_service() = default;
    [[nodiscard]] virtual std::shared_ptr<operation_timer> arm(activation_table& owner,
                                                               answer_address operation,
                                                               std::int64_t deadline_ns,
                                                               std::int32_t code) = 0;
    /// The timer may still fire once; its operation is gone by then.
    virtual void disarm(const std::shared_ptr<operation_timer>& timer) = 0;
};

class function_log {
public:
    virtual ~function_log() = default;
    /// `level` as in the C ABI; `request` as of request_trace.
    virtual void write(std::int32_t level, std::string_view function, std::string_view request,
                       std::string_view text) noexcept = 0;
};

/// Has pools looked at when it is time for one of their activations to end.
class look_service {
public:
    virtual ~look_service() = default;
    /// Calls `which.look` at that time or a little later, and again when that says. A pool asks
    /// when no look of it is due.
    virtual void look_at(pool& which, std::int64_t at_ns) = 0;
};

[[nodiscard]] inline std::int64_t unix_ms() noexcept {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
}

struct environment {
    steady_time& time;
    call_router& router;
    timer_service& timers;
    function_log& log;
    /// Takes activations that may hold their thread, from any thread.
    caf::execution_unit& blocking;
    std::size_t payload_bytes_max;
    /// Threads that run short functions, and those that run long ones.
    std::size_t lanes = 1;
    std::size_t threads = 1;
    /// This process among the nodes.
    std::uint64_t instance = 0;
    /// Told when a function is found to hold a lane. Null: nobody looks at what never returns.
    thread_keeper* keeper = nullptr;
    std::size_t cores = 1;
    /// Threads that blocking functions may hold, at most.
    std::size_t blocking_threads = 1;
    /// Null: what is idle stays.
    look_service* looks = nullptr;
    /// Told of each decision about a function. Null: nobody asks why.
    decision_log* decisions = nullptr;
    /// Counts what activations and their calls hold. Null: nobody asks.
    memory_meter* memory = nullptr;
    /// Where keyed functions find their state. Null: this node has no keyed functions.
    hot_state* state = nullptr;
    /// Unix time, for what expires.
    std::int64_t (*wall_ms)() noexcept = &unix_ms;
};

}  // namespace dunlin::actors
