// SPDX-License-Identifier: Apache-2.0
//
// The part of a lane that recognises calls which arrive again.
//
// A call whose caller gave it a name has a place in the node's window from before anything is
// decided about it until it is answered; every way in which an entry can end passes through here,
// before the caller is answered. A call that was not run leaves no trace: a repeat of it is a first
// call. Part of a lane; one thread. The window is the node's, and has a lock of its own.
#pragma once

#include "actors/answer_port.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/calls/ledger.hpp"
#include "runtime/lane/gathering.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"
#include "wire/envelope.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::runtime {

/// The name of the function that a call is for, as far as it is known here.
[[nodiscard]] std::string function_of(const ledger_entry& entry);

class repeats {
public:
    struct options {
        std::string node_name;
        std::size_t in_flight_max = 0;  // of one peer
    };
    /// `lane` is who answers and withdraws its entries, and `now_ns` its time.
    template <class Lane>
    repeats(call_window& window, outlet& out, Lane& lane, const std::int64_t& now_ns, options how)
        : window_(window),
          outlet_(out),
          port_(&lane),
          carrier_(&lane),
          now_ns_(now_ns),
          options_(std::move(how)) {}

    /// Whether repeats of the call would be recognised. A node that sends on a call without a name,
    /// or one that a function made, says that the call is its own and gives an id that several may
    /// have.
    [[nodiscard]] bool has_name(const peer& from, const wire::invoke& call) const noexcept {
        return call.origin != 0 && call.origin != from.instance && window_.enabled();
    }
    /// `attach(ticket)` makes an entry for a repeat of a call that runs, and is its waiter.
    /// @returns whether the call is a repeat, and so is seen to; if not, `into` has its ticket, or
    /// nothing if no repeat of it will be recognised.
    template <class Attach>
    [[nodiscard]] bool take(peer& from, const wire::invoke& call, gathering& into,
                            Attach&& attach) {
        // One that has too many calls already is told so, whatever this one is.
        if (from.in_flight >= options_.in_flight_max) return false;
        using waiter = call_window::waiter;
        const auto begun = window_.begin(name_of(from, call), now_ns_,
                                         [&](call_window::ticket running) -> std::optional<waiter> {
                                             if (has_come_back(call)) return std::nullopt;
                                             ledger_entry& entry = attach(running);
                                             entry.plays = ledger_entry::part::attached;
                                             entry.named = running;
                                             return waiter{port_, entry.address()};
                                         },
                                         {from.caller_number(), from.weight()});
        return took(from, call, into, begun);
    }
    /// The call was refused before it had an entry.
    void not_taken(gathering& into);

    // Before the caller is answered. @pre `entry.leads()`
    void remember_value(ledger_entry& entry, bytes_view payload);
    void remember_error(ledger_entry& entry, const error& why);
    /// The caller has gone. @returns whether the call runs on for repeats.
    [[nodiscard]] bool leave_to_repeats(ledger_entry& entry);
    [[nodiscard]] bool is_awaited(const ledger_entry& entry) const {
        return window_.is_awaited(entry.named);
    }
    /// The entry, which plays a part, is about to be closed.
    void leave(ledger_entry& entry);

private:
    /// Whether a call that runs here, by its name, may be this one: sent from here to the owner of
    /// its key, which has sent it on since the key has moved here. The first would wait for the
    /// second, and the second for the first.
    [[nodiscard]] static bool has_come_back(const wire::invoke& call) noexcept {
        return wire::invoke_flags::moves_in(call.flags) != 0;
    }
    [[nodiscard]] static cluster::call_name name_of(const peer& from, const wire::invoke& call);
    [[nodiscard]] bool took(peer& from, const wire::invoke& call, gathering& into,
                            const call_window::begun& begun);
    void answer_again(peer& to, std::uint64_t call_id, bytes_view kept);
    static void give_error(const std::vector<call_window::waiter>& to, const error& why);

    call_window& window_;
    outlet& outlet_;
    actors::answer_port* port_;
    actors::call_carrier* carrier_;
    const std::int64_t& now_ns_;
    const options options_;
    caller nobody_{caller::kind::nobody};  // whose calls only repeats wait for
};

}  // namespace dunlin::runtime
