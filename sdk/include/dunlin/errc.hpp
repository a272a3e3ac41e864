// SPDX-License-Identifier: Apache-2.0
//
// The outcomes of a call that is not answered with a value.
//
// The numbers travel on the wire and through the C ABI, so they never change and are never
// reused. Each code answers the two questions a caller has: did the function run, and may I
// send the call again. Plain values; usable from any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace dunlin {

enum class errc : std::int32_t {
    /// The node speaks a newer protocol and used a code that this build does not know.
    /// Ran: maybe. Retry: only if the function is idempotent.
    unknown = 1,
    /// The payload does not fit the function's input type, or an option is out of range.
    /// Ran: no. Retry: not with the same input.
    invalid_argument = 2,
    /// No node that could be reached serves a function of that name.
    /// Ran: no. Retry: after the module is deployed.
    not_found = 3,
    /// The peer did not prove who it is, or spoke before its handshake.
    /// Ran: no. Retry: after a handshake with valid keys.
    unauthenticated = 4,
    /// The caller is known but may not call this function.
    /// Ran: no. Retry: no.
    permission_denied = 5,
    /// No answer arrived before the call's deadline.
    /// Ran: maybe. Retry: only if the function is idempotent.
    deadline_exceeded = 6,
    /// The caller withdrew the call.
    /// Ran: maybe. Retry: the caller decided not to.
    cancelled = 7,
    /// A bounded queue on the way was full; `error::retry_after` hints when there will be room.
    /// Ran: no. Retry: yes, after the hint.
    overloaded = 8,
    /// The node stopped, or the connection to it broke, before the answer arrived.
    /// Ran: maybe (the detail says so when it is known that it did not).
    /// Retry: if the function is idempotent or the detail says that it did not run.
    unavailable = 9,
    /// Another writer changed the state first.
    /// Ran: yes, without effect. Retry: yes.
    conflict = 10,
    /// The function threw or returned an error; the detail is its author's message.
    /// Ran: yes. Retry: as the author documents.
    failed = 11,
    /// A defect in Dunlin itself. Please report it with the detail.
    /// Ran: maybe. Retry: only if the function is idempotent.
    internal = 12,
};

/// The code's name as used in logs, JSON and documentation, e.g. "deadline_exceeded".
[[nodiscard]] std::string_view to_string(errc code) noexcept;

/// The code for a number received from a peer; numbers of newer peers become `errc::unknown`.
[[nodiscard]] errc errc_from_number(std::int64_t number) noexcept;

}  // namespace dunlin
