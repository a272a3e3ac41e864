// SPDX-License-Identifier: Apache-2.0
//
// A lane: the thread that owns a ROUTER socket and runs short functions where they arrive.
//
// One turn reads what is there, decodes it into bundles, hands them to the pools, resumes the
// activations that became ready, and sends each peer's answers in one frame. Nothing on the way
// waits for another thread. The lane decides one thing: admit or shed. It keeps the ledger of
// what it admitted, so each call gets exactly one answer whatever happens behind it.
//
// Ownership: a lane's state belongs to the thread that serves it (lane_ownership.hpp). Before user
// code runs, the thread puts the lane down in a consistent state; if the function does not come
// back in time, a `watchdog` lets another thread take the lane over, and the first one, once it
// comes back, finds its `lane_thread` lost and goes away without touching anything.
//
// A turn and a step of the end never wait. `serve` polls between them; a simulation moves its
// clock instead.
#pragma once

#include "actors/answer_port.hpp"
#include "actors/environment.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/calls/ledger.hpp"
#include "runtime/cluster/gossip_carrier.hpp"
#include "runtime/cluster/membership_driver.hpp"
#include "runtime/lane/authorizer.hpp"
#include "runtime/lane/connection_keeper.hpp"
#include "runtime/lane/connection_table.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/frame_budget.hpp"
#include "runtime/lane/handshake.hpp"
#include "runtime/lane/inbox.hpp"
#include "runtime/lane/lane_alarm.hpp"
#include "runtime/lane/lane_options.hpp"
#include "runtime/lane/lane_ownership.hpp"
#include "runtime/lane/lane_timer.hpp"
#include "runtime/lane/load_reporter.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/repeats.hpp"
#include "runtime/lane/router_socket.hpp"
#include "runtime/router/function_registry.hpp"
#include "runtime/router/router.hpp"
#include "support/busy_poll.hpp"

#include <dunlin/result.hpp>

#include <caf/actor_system.hpp>
#include <caf/resumable.hpp>
#include <zmq.hpp>

#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {
class virtual_lane;
}

namespace dunlin::runtime {

class lane final : public actors::answer_port,
                   public actors::call_carrier,
                   public forward_host,
                   public gossip_carrier {
public:
    lane(caf::actor_system& system, const function_registry& functions, actors::steady_time& time,
         lane_alarm& alarm, frame_budget& frames, reply_budget& replies, call_window& calls,
         lane_options options);
    ~lane() override;

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
    void carry(membership_driver& membership);
    /// Answers everything that is open, then ends. Returns at once.
    void finish_soon() { inbox_.push(runtime::finish{}); }
    /// Returns when the lane has ended. Bounded as long as a watchdog watches the lane.
    void join();

    [[nodiscard]] lane_counters& counters() noexcept { return counters_; }
    [[nodiscard]] inbox& commands() noexcept { return inbox_; }

    // call_carrier, from any thread.
    void withdraw(actors::answer_address carried, errc reason) override;

    // forward_host, for the thread that serves.
    void forwarded_value(ledger_entry& entry, bytes_view payload) override;
    void forwarded_error(ledger_entry& entry, error why) override;
    void recalled(ledger_entry& entry, bool unstarted) override;
    [[nodiscard]] bool run_here(ledger_entry& entry) override;
    void look_up(const std::string& endpoint) override;

    // gossip_carrier, for the thread that serves.
    [[nodiscard]] runtime::links& links() noexcept override { return links_; }
    bool send_gossip(std::uint64_t to, bytes_view message) override;

    // answer_port, from any thread.
    void answer_value(actors::answer_address to, actors::output_buffer& payload) override;
    void answer_error(actors::answer_address to, error why) override;

    [[nodiscard]] std::shared_ptr<lane_timer> arm_timer(actors::activation_slot& owner,
                                                        actors::answer_address operation,
                                                        std::int64_t deadline_ns,
                                                        std::int32_t code);
    void disarm_timer(const std::shared_ptr<lane_timer>& timer);

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
    [[nodiscard]] bool run_ready(lane_thread& unit, std::int64_t turn_end_ns);
    /// What ZeroMQ has told of connections since the last look.
    void read_events();
    /// @returns false when there is something to do at once. Otherwise whatever comes wakes the
    /// lane, and it has nothing to do until `due_ns()`.
    [[nodiscard]] bool may_wait();
    [[nodiscard]] std::int64_t due_ns();
    void fire_timers();
    void tend_cluster();
    void settle();
    void end_turn();
    void sleep_until_work();
    void read_commands();
    void apply(lane_command& command);
    void drain();
    void end_drain_grace();
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
    void cut_short_all();
    void cut_short(ledger_entry& entry);
    [[nodiscard]] bool stop_unstarted(ledger_entry& entry, errc reason);
    void end_timers();
    void from_elsewhere(lane_command answer);

    // bulk_frames.cpp: what is too much to be read in one go
    /// @pre some peer has bulk.
    void read_bulk();
    void say_bye(peer& leaving);

    // intake.cpp: from bytes to bundles
    [[nodiscard]] bool receive();
    /// `bytes` of the connection are read with it.
    void take_frame(std::string_view routing_id, zmq::message_t frame, std::size_t bytes,
                    bool single);
    void read_frame(peer* from, std::string_view routing_id, zmq::message_t frame);
    void refuse_oversized(peer& from, std::size_t bytes);
    /// Reads a slice. @returns whether the frame goes on; then `from` is there.
    [[nodiscard]] bool read_slice(peer*& from, std::string_view routing_id, frame_reading& of,
                                  const handshake::sender& by);
    void take_invoke(peer& from, const wire::invoke& call, struct gathering& into);
    /// An entry for a repeat of a call that runs.
    [[nodiscard]] ledger_entry& attach(peer& from, const wire::invoke& call);
    void take_new(peer& from, const wire::invoke& call, struct gathering& into);
    /// Fills in the next invocation of a bundle, with an entry of its own.
    ledger_entry& enter(peer& from, const wire::invoke& call, actors::bundle& work);
    ledger_entry& enter(peer& from, const wire::invoke& call, actors::bundle& work,
                        struct gathering& into);
    [[nodiscard]] error explain_unknown(std::string_view function);
    [[nodiscard]] error too_much_held(const actors::pool& wanted) const;
    [[nodiscard]] error not_taken_any_more() const;
    void submit(struct gathering& gathered);
    void take_cancel(peer& from, std::uint64_t call_id);

    // lane.cpp: on a node with a key
    void take_access();
    void expel(peer& who);

    // travel.cpp: calls that other nodes may run
    [[nodiscard]] bool send_on(peer& from, const wire::invoke& call, struct gathering& into);
    void leave_here(ledger_entry& entry, const destination& to);
    void take_travelling(travelling_call& call);
    void spill(actors::bundle& work, std::uint32_t from, const error& why);
    void take_view(std::shared_ptr<const cluster_view> view);

    // lane.cpp: calls and peers that end
    void close(ledger_entry& entry);
    void flush_all();
    void remove(peer& leaving, std::string_view why);
    void answer_in_place(ledger_entry& entry, errc reason, std::string detail);
    /// To its caller, a peer or a function of this node.
    void answer(ledger_entry& entry, const error& why);

    caf::actor_system& system_;
    const function_registry& functions_;
    actors::steady_time& time_;
    lane_alarm& alarm_;
    frame_budget& frames_;
    reply_budget& replies_;
    const lane_options options_;
    lane_counters counters_;
    inbox inbox_;

    router_socket socket_;
    support::busy_poll busy_poll_;

    lane_ownership ownership_;

    // The lane's state: only for the thread that serves it.
    std::deque<caf::resumable*> ready_;
    ledger ledger_;
    connection_table connections_;
    load_reporter loads_;
    outlet outlet_;
    connection_keeper keeper_;
    handshake handshake_;
    repeats repeats_;
    caller inside_{caller::kind::functions};  // of this node
    runtime::links links_;
    outbound_calls away_;  // calls that other nodes have
    router router_;
    static constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();
    membership_driver* membership_ = nullptr;    // of one lane of a node
    std::int64_t membership_due_ns_ = never_ns;  // ... and so the others have nothing to wake for
    std::int64_t links_due_ns_ = never_ns;
    std::shared_ptr<const cluster_view> view_;
    std::unique_ptr<authorizer> authorizer_;  // null: this node has no key
    std::vector<actors::bundle_ptr> turn_work_;
    std::vector<lane_command> batch_;
    std::vector<pollfd> poll_items_;
    bool quiet_ = false;  // says a poll just now: the socket holds nothing
    support::timer_wheel wheel_;
    std::int64_t now_ns_ = 0;
    std::size_t names_unknown_ = 0;  // in this turn
    bool draining_ = false;
    std::int64_t drain_until_ns_ = 0;
    stage stage_ = stage::serving;
    std::int64_t stage_until_ns_ = 0;  // of one that waits for others
};

}  // namespace dunlin::runtime
