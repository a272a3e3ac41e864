// SPDX-License-Identifier: Apache-2.0
//
// A lane: the thread that owns a ROUTER socket and runs short functions where they arrive.
//
// One turn reads what is there, decodes it into bundles, hands them to the pools, resumes the
// activations that became ready, and sends each peer's answers in one frame. Nothing on the way
// waits for another thread. What a lane does is in its parts: `intake` reads frames, `admission`
// admits their calls or sheds them, `open_calls` sees that each gets exactly one answer, and
// `outlet` sends it. The lane itself says whose turn it is.
//
// Ownership: a lane's state belongs to the thread that serves it (lane_ownership.hpp). Before user
// code runs, which is in `run_ready` alone, the thread puts the lane down in a consistent state; if
// the function does not come back in time, a `watchdog` lets another thread take the lane over, and
// the first one, once it comes back, finds its `lane_thread` lost and goes away without touching
// anything.
//
// A turn and a step of the end never wait. `serve` polls between them; a simulation moves its
// clock instead.
#pragma once

#include "actors/environment.hpp"
#include "actors/fair_jobs.hpp"
#include "actors/limits.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/cluster/membership_driver.hpp"
#include "runtime/lane/admission.hpp"
#include "runtime/lane/authorizer.hpp"
#include "runtime/lane/connection_keeper.hpp"
#include "runtime/lane/connection_table.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/departures.hpp"
#include "runtime/lane/drain_notice.hpp"
#include "runtime/lane/handshake.hpp"
#include "runtime/lane/inbox.hpp"
#include "runtime/lane/intake.hpp"
#include "runtime/lane/lane_alarm.hpp"
#include "runtime/lane/lane_options.hpp"
#include "runtime/lane/lane_ownership.hpp"
#include "runtime/lane/lane_poll.hpp"
#include "runtime/lane/load_reporter.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/neighbours.hpp"
#include "runtime/lane/open_calls.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/repeats.hpp"
#include "runtime/lane/router_socket.hpp"
#include "runtime/lane/turn_clock.hpp"
#include "runtime/link/links.hpp"
#include "runtime/router/function_registry.hpp"
#include "runtime/router/router.hpp"

#include <dunlin/result.hpp>

#include <caf/actor_system.hpp>
#include <caf/resumable.hpp>
#include <zmq.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {
class virtual_lane;
}

namespace dunlin::runtime {

class lane final {
public:
    lane(caf::actor_system& system, const function_registry& functions, actors::steady_time& time,
         lane_alarm& alarm, memory_budget& budget, reply_budget& replies, call_window& window,
         lane_options options);
    ~lane();
    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;

    /// Binds the socket. @returns the endpoint with its real port.
    [[nodiscard]] result<std::string> bind(const std::string& endpoint) {
        return socket_.bind(endpoint);
    }
    /// Serves from now on. `endpoints` are those of all lanes of the node.
    void start(std::vector<std::string> endpoints);
    /// The first half of `start`, all but the thread.
    void prepare(std::vector<std::string> endpoints);
    /// For the gate, which answers the questions of the sockets in it.
    [[nodiscard]] zmq::context_t& context() noexcept { return socket_.context(); }
    /// This lane drives the node's membership. Before it serves.
    void carry(membership_driver& membership) { neighbours_.carry(membership); }
    /// What the membership's messages go over.
    [[nodiscard]] gossip_carrier& carrier() noexcept { return neighbours_; }
    /// Answers everything that is open, then ends. Returns at once.
    void finish_soon() { inbox_.push(runtime::finish{}); }
    /// Returns when the lane has ended. Bounded as long as a watchdog watches the lane.
    void join();

    [[nodiscard]] lane_counters& counters() noexcept { return counters_; }
    [[nodiscard]] inbox& commands() noexcept { return inbox_; }
    /// For timers of operations, from any thread.
    [[nodiscard]] open_calls& calls() noexcept { return calls_; }
    /// For the watchdog.
    [[nodiscard]] lane_ownership& ownership() noexcept { return ownership_; }

private:
    friend class sim::virtual_lane;  // serves without a thread, and checks the books

    /// How far the lane is. From `stopping` on nothing new is taken, and everything is answered.
    enum class stage : std::uint8_t {
        serving,
        stopping,   // has been told to end
        recalling,  // other nodes are asked which of its calls have begun
        farewell,   // its peers have time to read their last answers
        ended,
    };
    enum class turned : std::uint8_t { idle, busy, lost };

    // lane.cpp: the loop
    /// @returns false when the lane was lost on the way.
    bool serve();
    /// Does once what there is to do. @returns `lost` when another thread has the lane now; then
    /// nothing of it may be touched.
    [[nodiscard]] turned turn(lane_thread& unit);
    /// Resumes activations: user code runs in here. @returns false when the lane was lost.
    [[nodiscard]] bool run_ready(lane_thread& unit, std::int64_t turn_end_ns);
    /// What ZeroMQ has told of connections since the last look.
    void read_events();
    /// @returns false when there is something to do at once. Otherwise whatever comes wakes the
    /// lane, and it has nothing to do until `due_ns()`.
    [[nodiscard]] bool may_wait();
    [[nodiscard]] std::int64_t due_ns();
    void end_turn();
    void read_commands();
    void apply(lane_command& command);
    void drain();

    // finish.cpp: the end
    /// One step of it, as far as it goes without waiting. @pre not `serving`.
    void finish();
    [[nodiscard]] bool unread_at_end();
    [[nodiscard]] std::int64_t finish_due_ns() const;
    void wait_to_finish();
    void recall_calls();
    void await_recalled();
    /// What still waits for the lane goes on without it.
    void let_go();
    void answer_peers();
    void say_farewell();

    caf::actor_system& system_;
    const function_registry& functions_;
    lane_alarm& alarm_;
    const lane_options options_;
    lane_counters counters_;
    inbox inbox_;
    lane_ownership ownership_;

    // The lane's state: only for the thread that serves it. Parts know each other by reference, so
    // an order in which each could be made after all those that it knows does not exist; what needs
    // another one already in its constructor stands behind it.
    turn_clock clock_;
    actors::fair_jobs ready_{actors::limits::lane_debt_ns_max};
    router_socket socket_;
    connection_table connections_;
    load_reporter loads_;
    outlet outlet_;
    connection_keeper keeper_;
    lane_poll poll_;
    neighbours neighbours_;
    handshake handshake_;
    open_calls calls_;
    repeats repeats_;
    links links_;
    router router_;
    std::unique_ptr<authorizer> authorizer_;  // null: this node has no key
    departures departures_;
    admission admission_;
    intake intake_;
    drain_notice draining_;
    lane_commands batch_;
    stage stage_ = stage::serving;
    std::int64_t stage_until_ns_ = 0;  // of one that waits for others
};

}  // namespace dunlin::runtime
