// SPDX-License-Identifier: Apache-2.0
//
// What a node offers to its activations: time, calls to other functions, timers, a log.
//
// The implementations of `actors/environment.hpp`. Safe from any thread; they live as long as the
// node.
#pragma once

#include "actors/environment.hpp"
#include "runtime/router/function_registry.hpp"

#include <atomic>
#include <utility>
#include <vector>

namespace dunlin::runtime {

class lane;

class steady_clock_time final : public actors::steady_time {
public:
    [[nodiscard]] std::int64_t now_ns() const noexcept override;
    [[nodiscard]] std::int64_t processor_ns() const noexcept override;
};

/// The lanes of the node, for what functions ask of one.
class lanes_of_node {
public:
    /// Before the node serves.
    void use(std::vector<lane*> all) { all_ = std::move(all); }
    /// The lane whose thread this is, so that what a function asks for stays where it runs; on
    /// a thread of no lane, the first.
    [[nodiscard]] lane& at_hand() const;
    /// The lane that takes all keyed calls of this key that functions make: each lane has a link
    /// of its own to another node, and two calls keep their order only on one. An activation runs
    /// on one lane after another, and on threads of none.
    [[nodiscard]] lane& of_key(bytes_view key) const;
    /// The lane that answers calls through that port; null: it is no lane's.
    [[nodiscard]] lane* of_port(const actors::answer_port& port) const;

private:
    std::vector<lane*> all_;
};

/// Routes a call from a function: to a pool of this node while that is quick, as a CAF message and
/// without a socket on the way; otherwise a lane decides, which knows of other nodes.
class node_router final : public actors::call_router {
public:
    node_router(const function_registry& functions, actors::steady_time& time,
                const lanes_of_node& lanes)
        : functions_(functions),
          time_(time),
          lanes_(lanes) {}
    /// Whether there are other nodes now.
    void set_alone(bool alone) noexcept { alone_.store(alone, std::memory_order_relaxed); }
    void route(std::string_view function, actors::bundle_ptr single,
               const actors::callers_turn& by) override;
    void send_on(actors::pool& of, actors::bundle_ptr work, std::uint32_t index) override;

private:
    const function_registry& functions_;
    actors::steady_time& time_;
    const lanes_of_node& lanes_;
    std::atomic<bool> alone_{true};
};

/// Timers of operations, in the wheels of the lanes.
class lane_timers final : public actors::timer_service {
public:
    explicit lane_timers(const lanes_of_node& lanes) : lanes_(lanes) {}
    std::shared_ptr<actors::operation_timer> arm(actors::activation_table& owner,
                                                 actors::answer_address operation,
                                                 std::int64_t deadline_ns,
                                                 std::int32_t code) override;
    void disarm(const std::shared_ptr<actors::operation_timer>& timer) override;

private:
    const lanes_of_node& lanes_;
};

class logged_functions final : public actors::function_log {
public:
    void write(std::int32_t level, std::string_view function, std::string_view request,
               std::string_view text) noexcept override;
};

/// What functions ask of a node.
struct function_services {
    function_services(const function_registry& functions, actors::steady_time& time,
                      const lanes_of_node& lanes)
        : router(functions, time, lanes),
          timers(lanes) {}

    node_router router;
    lane_timers timers;
    logged_functions log;
};

}  // namespace dunlin::runtime
