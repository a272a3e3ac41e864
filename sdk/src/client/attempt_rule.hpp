// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a call when one of its attempts has ended without a value.
//
// A call may be under way twice (a hedged call), its function may or may not run again, and each
// attempt that is lost may have run. Guarantee: no call is sent again that may have run and must
// not run twice, none is answered while a copy of it is under way and could still bring a value,
// and none that nodes were lost with again and again (a poison call) goes to one more.
//
// Pure: facts and an event in, a verdict out. Any thread.
#pragma once

#include "wire/envelope.hpp"

#include <dunlin/result.hpp>

#include <cstdint>

namespace dunlin::link {

/// How the attempt ended.
enum class attempt_event : std::uint8_t {
    unsent,       // its frame was not handed to the socket
    refused,      // the node is overloaded
    not_run,      // something is wrong with the node, and the function did not run
    unavailable,  // the node, or one behind it, had no answer: it may have run
    lost,         // with its connection: it may have run
    answered,     // with a failure of the function, or one that is the same everywhere
};

struct attempt_facts {
    bool kept = false;        // what it takes to send it again
    bool idempotent = false;  // as the node said that the attempt went to
    bool keyed = false;       // only the key's owner may run it
    bool copy = false;        // another attempt is under way
    bool again = false;       // there are retries, attempt numbers and time left
    bool first = false;       // it was sent once only
    std::uint32_t losses = 0;
};

enum class attempt_verdict : std::uint8_t {
    answer,            // the call ends with what the attempt ended with
    drop,              // the attempt is over, the copy goes on
    resend,            // at no cost to the budget of retries
    resend_in_budget,  // if the budget has one left; else answer
    resend_elsewhere,  // the same, and only to a node that it was not sent to
};

[[nodiscard]] constexpr bool may_have_run(attempt_event ended) noexcept {
    return ended == attempt_event::unavailable || ended == attempt_event::lost;
}

[[nodiscard]] inline attempt_event event_of(const wire::failure& failure) noexcept {
    const auto code = errc_from_number(failure.code);
    if (code == errc::overloaded) return attempt_event::refused;
    const bool unavailable = code == errc::unavailable;
    if (failure.did_not_run && (unavailable || code == errc::internal || code == errc::unknown))
        return attempt_event::not_run;
    return unavailable ? attempt_event::unavailable : attempt_event::answered;
}

[[nodiscard]] constexpr attempt_verdict decide(attempt_event ended,
                                               const attempt_facts& of) noexcept {
    using verdict = attempt_verdict;
    if (ended == attempt_event::answered) return verdict::answer;
    if (ended == attempt_event::unavailable && !of.idempotent) return verdict::answer;
    if (of.copy) return verdict::drop;
    // The node never saw it: it goes elsewhere as if it were new, whatever it may do twice.
    if (ended == attempt_event::unsent) return verdict::resend;
    if (!of.kept || !of.again) return verdict::answer;
    if (may_have_run(ended) && (of.losses >= wire::losses_max || !of.idempotent))
        return verdict::answer;
    if (ended == attempt_event::refused)
        return of.keyed ? verdict::answer : verdict::resend_elsewhere;
    // A connection is lost once, however many calls it had: what each of them costs others is
    // bounded without the budget, and with it a busy moment would decide whose call fails.
    if (ended == attempt_event::lost && of.first) return verdict::resend;
    return verdict::resend_in_budget;
}

}  // namespace dunlin::link
