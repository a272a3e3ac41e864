// SPDX-License-Identifier: Apache-2.0
//
// Admit or shed: from a call to its place in a bundle.
//
// A call that has come is a repeat of one that is known, goes to a pool of this node or to another
// node, or is refused with the reason; one of them, before the next call is looked at. Calls for
// one pool that follow each other share a bundle, so that they cost one message. What a pool has no
// room for is spilled: sent on after all where that is allowed, otherwise answered as overloaded.
// Calls of this node's functions that may run elsewhere take the same decision. Runs no user code.
// Part of a lane; one thread.
#pragma once

#include "actors/bundle.hpp"
#include "runtime/calls/ledger.hpp"
#include "runtime/lane/authorizer.hpp"
#include "runtime/lane/counters.hpp"
#include "runtime/lane/gathering.hpp"
#include "runtime/lane/inbox.hpp"
#include "runtime/lane/memory_budget.hpp"
#include "runtime/lane/open_calls.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "runtime/lane/repeats.hpp"
#include "runtime/router/function_registry.hpp"
#include "runtime/router/router.hpp"
#include "support/busy_poll.hpp"
#include "wire/envelope.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime {

class admission {
public:
    struct options {
        std::string node_name;
        std::size_t in_flight_max = 0;  // of one peer
        std::size_t payload_bytes_max = 0;
    };
    /// `now_ns` is the lane's time.
    admission(const function_registry& functions, router& routing, open_calls& calls,
              repeats& again, outlet& out, const memory_budget& budget, support::busy_poll& load,
              lane_counters& counters, const std::int64_t& now_ns, options how);

    /// Before the lane serves, on a node with a key.
    void use_keys(authorizer& of) noexcept { authorizer_ = &of; }

    /// The node drains: only peers that do not know it yet may still call its modules' functions.
    void drain() noexcept {
        if (takes_ == taking::all) takes_ = taking::from_unaware;
    }
    /// The lane ends: nothing is taken any more.
    void stop() noexcept { takes_ = taking::nothing; }

    /// Sees to one call of a frame. What is gathered leaves with `submit`.
    void take(peer& from, const wire::invoke& call, gathering& into);
    /// Gives the bundle that is being filled to its pool.
    void submit(gathering& gathered);
    /// Sees to a call of a function of this node.
    void take(travelling_call& call);
    /// Sends a call that this node has to the one that owns its key by now.
    void send_on(const moving_call& call);
    void end_turn() noexcept { names_unknown_ = 0; }

private:
    enum class taking : std::uint8_t { all, from_unaware, nothing };

    void take_permitted(peer& from, const wire::invoke& call, gathering& into);
    /// An entry for a repeat of a call that runs.
    [[nodiscard]] ledger_entry& attach(peer& from, const wire::invoke& call);
    void take_new(peer& from, const wire::invoke& call, gathering& into);
    /// The call, with its key, goes somewhere.
    void place(peer& from, const wire::invoke& call, gathering& into);
    /// @returns whether the call is refused, and told why.
    [[nodiscard]] bool refused(peer& from, const wire::invoke& call);
    void refuse_unknown(peer& from, const wire::invoke& call, gathering& into);
    /// Fills in the next invocation of a bundle, with an entry of its own.
    ledger_entry& enter(peer& from, const wire::invoke& call, actors::bundle& work);
    ledger_entry& enter(peer& from, const wire::invoke& call, gathering& into,
                        actors::bundle& work);
    [[nodiscard]] error explain_unknown(std::string_view function);
    [[nodiscard]] error too_many_at_once(const peer& from, std::string_view function) const;
    [[nodiscard]] error too_much_held(const actors::pool& wanted,
                                      const budgeted_frame& frame) const;
    [[nodiscard]] error not_taken_any_more() const;

    // admission_travel.cpp: calls that other nodes may run
    [[nodiscard]] bool send_on(peer& from, const wire::invoke& call, gathering& into);
    void leave_here(ledger_entry& entry, const destination& to);
    void run_again(ledger_entry& entry, actors::pool& pool);
    void spill(actors::bundle& work, std::uint32_t from, const actors::pool& full,
               const actors::admission_decision& reason);

    const function_registry& functions_;
    router& router_;
    open_calls& calls_;
    repeats& repeats_;
    outlet& outlet_;
    const memory_budget& budget_;
    support::busy_poll& busy_poll_;
    lane_counters& counters_;
    const std::int64_t& now_ns_;
    const options options_;
    authorizer* authorizer_ = nullptr;  // null: this node has no key
    taking takes_ = taking::all;
    std::size_t names_unknown_ = 0;  // in this turn
};

}  // namespace dunlin::runtime
