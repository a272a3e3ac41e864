// SPDX-License-Identifier: Apache-2.0
//
// Where calls are sent, and sent again: retried, moved, hedged.
//
// A call may have several attempts, each with an id of its own: one after another when nodes fail
// or refuse, two at a time when one takes unusually long. `attempt_rule` says what becomes of a
// call whose attempt has ended; here that is carried out. Guarantee: of attempts that are under
// way at once the first answer counts, and the other one is withdrawn. Retries and copies keep to
// budgets, so that a cluster that fails sees no storm of them.
//
// A refused call goes at once to another node, if one has not refused the function, and ends if
// not: no call comes to more nodes than there are because of refusals. While all refuse, each call
// is sent once, to whichever node; and all calls together make no more retries than the budget has:
// one for six calls, and what has been saved (`cluster::retry_budget`). The time to come back that
// callers are told is longer by up to a half, at random: those who were refused together do not
// return together.
//
// No socket, no clock inside. Guarded by the driver's mutex.
#pragma once

#include "client/attempt_rule.hpp"
#include "client/call_book.hpp"
#include "client/fleet.hpp"
#include "client/held_calls.hpp"
#include "cluster/random.hpp"
#include "cluster/retry_budget.hpp"
#include "support/timer_wheel.hpp"
#include "wire/envelope.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dunlin::link {

class attempts {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// With what a call ends besides the failure of its last attempt.
    struct ending {
        std::uint64_t retry_after_us = 0;
        bool may_have_run = false;  // an attempt before, or beside, the one that was answered
    };

    /// @param origin names the client in its calls
    attempts(call_book& book, fleet& nodes, std::uint64_t origin, time_point now)
        : book_(book),
          fleet_(nodes),
          origin_(origin),
          random_(cluster::mix(~origin)),
          copies_(now),
          retries_(ns(now)) {}

    // -- first attempts ------------------------------------------------------------------------
    /// The call was written for that channel: keeps what sending it again takes, if there is room.
    void keep(call& open, const channel& on, bytes_view payload, std::string_view key,
              std::string_view trace);
    enum class copies : std::uint8_t { unwanted, wanted };
    /// It was sent there, one of several nodes.
    void sent(call& open, const fleet::target& to, copies hedge, time_point now);
    /// It waits for a node. @pre what it needs is kept
    void hold(call& open);
    [[nodiscard]] bool can_send_held() const noexcept {
        return !held_.empty() && fleet_.live() != 0;
    }
    void send_held(time_point now);

    // -- ends of attempts ----------------------------------------------------------------------
    /// The function has answered with a value.
    void answered(call& open, channel& from, time_point now);
    /// @returns nothing when the call goes on.
    [[nodiscard]] std::optional<ending> failed(call& open, channel& from,
                                               const wire::failure& failure, time_point now);
    /// The channel has failed: sees to all its calls.
    void lost(channel& with, time_point now);
    /// Calls that were not handed to the sockets of channels that get no more go elsewhere.
    void move_vacated(time_point now);
    /// Ends the call for its caller, and withdraws what is under way.
    void withdraw(call& open);
    /// What the node serves has become known: calls were sent before that.
    void learn(const channel& from);

    // -- hedging -------------------------------------------------------------------------------
    void send_copies(time_point now);
    [[nodiscard]] time_point next_copy() noexcept { return copies_.next_deadline(); }

    /// All calls have been settled.
    void forget() noexcept { held_.clear(); }
    [[nodiscard]] std::uint64_t retries() const noexcept { return retried_; }
    [[nodiscard]] std::uint64_t hedges() const noexcept { return hedged_; }

private:
    [[nodiscard]] fleet::target elsewhere(const call& open, time_point now,
                                          fleet::purpose why = fleet::purpose::send);
    [[nodiscard]] fleet::target anywhere(const call& open, time_point now);
    void put(call& open, const fleet::target& to, time_point now);
    void append_invoke(const call& open, channel& on, std::uint8_t attempt, time_point now);
    void cancel_on(channel& on, std::uint64_t id);
    [[nodiscard]] static bool in_time(const call& open, const channel& from,
                                      time_point now) noexcept;
    [[nodiscard]] attempt_facts facts_of(const call& open, time_point now) const noexcept;
    [[nodiscard]] bool goes_on(call& open, channel& from, attempt_event ended, time_point now);
    void send_again(call& open, const fleet::target& found, time_point now);
    void drop_attempt(call& open, channel& on) noexcept;
    void end_others(call& open, const channel& answering, time_point now);
    void attempt_lost(call& open, channel& with, time_point now);
    void move_unsent(channel& from, time_point now);
    void send_copy(call& open, time_point now);

    call_book& book_;
    fleet& fleet_;
    const std::uint64_t origin_;
    cluster::random_source random_;
    held_calls held_;
    support::timer_wheel copies_;  // when copies of calls are due
    cluster::retry_budget retries_;
    std::uint64_t retried_ = 0;
    std::uint64_t hedged_ = 0;
};

}  // namespace dunlin::link
