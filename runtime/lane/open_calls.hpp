// SPDX-License-Identifier: Apache-2.0
//
// Who is owed an answer: the calls that a lane has taken and not answered yet.
//
// Whatever becomes of a call ends here: its function answers, another node does, its deadline
// passes, its caller withdraws it or goes away, the lane ends. The first of these closes the call's
// place in the ledger, and what comes later finds nothing, so each call gets exactly one answer.
// Timers of operations stand in the same wheel as deadlines.
//
// `answer_*`, `withdraw`, `arm_timer` and `disarm_timer` are for any thread: on another one than
// the lane's they become commands of its inbox. All else is for the thread that has the lane.
// Nothing here runs user code, so the lane cannot be lost on the way.
#pragma once

#include "actors/answer_port.hpp"
#include "actors/environment.hpp"
#include "runtime/calls/ledger.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/inbox.hpp"
#include "runtime/lane/lane_ownership.hpp"
#include "runtime/lane/lane_timer.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/link/outbound_calls.hpp"
#include "runtime/router/forward_host.hpp"
#include "support/timer_wheel.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::support {
class address_resolver;
}

namespace dunlin::runtime {

class repeats;

class open_calls final : public actors::answer_port,
                         public actors::call_carrier,
                         public forward_host {
public:
    struct options {
        std::string node_name;
        std::uint64_t instance = 0;
        support::address_resolver* names = nullptr;  // null: no names are used
    };
    /// `again` and `over` need not be made yet. `now_ns` is the lane's time, which starts with
    /// `started_ns`.
    open_calls(const lane_ownership& ownership, inbox& commands, outlet& out, repeats& again,
               links& over, lane_counters& counters, const std::int64_t& now_ns,
               std::int64_t started_ns, options how);

    [[nodiscard]] runtime::ledger& ledger() noexcept { return ledger_; }
    /// Of these, the calls that other nodes have.
    [[nodiscard]] outbound_calls& away() noexcept { return away_; }
    /// Who makes the calls of this node's functions.
    [[nodiscard]] caller& inside() noexcept { return inside_; }

    // -- calls begin ---------------------------------------------------------------------------
    /// An entry for a call of that caller, whose bundle and place there are still to be filled in.
    ledger_entry& open(caller& asker, std::uint64_t call_id) {
        asker.began();
        return ledger_.open(asker, call_id);
    }
    /// Keeps a bundle until the turn ends: entries that are not settled point at it.
    void keep(const actors::bundle_ptr& work) { work_.push_back(work); }
    /// The call stands in another bundle now, as its last. @pre the bundle is kept.
    static void move(ledger_entry& entry, const actors::bundle_ptr& work);
    /// Gives those that outlive their turn what an end finds them by: a timer, a place in their
    /// caller's index, a share of their bundle.
    void settle();
    void end_turn() {
        settle();
        work_.clear();
        ledger_.tend(now_ns_);
    }

    // -- calls end -----------------------------------------------------------------------------
    // answer_port and call_carrier, from any thread.
    void answer_value(actors::answer_address to, actors::output_buffer& payload) override;
    void answer_error(actors::answer_address to, error why) override;
    void answer_batch_of(actors::answer_batch answers) override;
    void started_cold(actors::answer_address of) override;
    void withdraw(actors::answer_address carried, errc reason) override;

    // forward_host. `forwarded_error` is also how a call ends that nobody runs.
    void forwarded_value(ledger_entry& entry, bytes_view payload,
                         const std::shared_ptr<link::received_frame>& frame) override;
    void forwarded_error(ledger_entry& entry, error why) override;
    void recalled(ledger_entry& entry, bool unstarted) override;
    [[nodiscard]] bool run_here(ledger_entry& entry) override;
    void look_up(const std::string& endpoint) override;

    /// The peer withdraws a call.
    void cancel(peer& from, std::uint64_t call_id);
    /// The caller has gone: nobody waits for its calls any more.
    void abandon(caller& gone);
    /// The caller may have no more answers: each of its calls is stopped, and told why.
    void refuse_all_of(caller& who, errc reason, std::string_view why);
    /// The lane ends: every call that it can speak for is stopped, and answered by whether it ran.
    void cut_short_all();

    // -- timers --------------------------------------------------------------------------------
    [[nodiscard]] std::shared_ptr<lane_timer> arm_timer(actors::activation_table& owner,
                                                        actors::answer_address operation,
                                                        std::int64_t deadline_ns,
                                                        std::int32_t code);
    void disarm_timer(const std::shared_ptr<lane_timer>& timer);
    /// What another thread has armed or disarmed.
    void change(const timer_change& what);
    void fire_timers();
    /// The lane and its clock end: what waits for a timer goes on now.
    void end_timers();
    /// Nothing is due before.
    [[nodiscard]] std::int64_t due_ns() {
        return std::min<std::int64_t>(
            wheel_.next_deadline().time_since_epoch() / std::chrono::nanoseconds(1),
            ledger_.due_ns());
    }

private:
    void settle(ledger_entry& entry);
    /// To its caller, a peer or a function of this node.
    void answer(ledger_entry& entry, const error& last);
    void close(ledger_entry& entry);
    /// Answers a call and stops it, wherever it is.
    void end(ledger_entry& entry, errc reason, std::string detail);
    [[nodiscard]] bool stop_unstarted(ledger_entry& entry, errc reason);
    void cut_short(ledger_entry& entry);
    void from_elsewhere(lane_command answer);

    const lane_ownership& ownership_;
    inbox& commands_;
    outlet& outlet_;
    repeats& repeats_;
    lane_counters& counters_;
    const std::int64_t& now_ns_;
    const options options_;
    runtime::ledger ledger_;
    outbound_calls away_;
    caller inside_{caller::kind::functions};
    std::vector<actors::bundle_ptr> work_;  // of this turn
    support::timer_wheel wheel_;
};

}  // namespace dunlin::runtime
