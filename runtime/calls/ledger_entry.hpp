// SPDX-License-Identifier: Apache-2.0
//
// What a lane keeps of one call that it has taken and not yet answered.
//
// Plain data, used again for one call after the other: a ledger opens and closes it, the parts of
// the lane that see to a call fill in what they need of it. Small because a lane may have a hundred
// thousand of them. Owned by a ledger; touched only by the thread that has the lane.
#pragma once

#include "actors/bundle.hpp"
#include "cluster/call_losses.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/calls/caller.hpp"
#include "support/timer_wheel.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace dunlin::actors {
class pool;
}

namespace dunlin::runtime {

struct peer_link;
struct function_route;

/// What a lane's timer wheel holds: the deadline of a call, or a timer of an operation.
struct wheel_item : support::timer_node {
    enum class kind : std::uint8_t { call, operation };
    explicit wheel_item(kind which) noexcept : what(which) {}
    const kind what;
};

struct ledger_entry : wheel_item {
    ledger_entry() noexcept : wheel_item(kind::call) {}

    caller* asker = nullptr;                 // null: closed
    ledger_entry* next_of_caller = nullptr;  // in its index
    std::uint64_t call_id = 0;
    actors::pool* pool = nullptr;
    actors::bundle* work = nullptr;  // alive at least until the end of the turn
    actors::bundle_ptr keep;         // settled entries only
    std::uint32_t index = 0;         // in the bundle
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;

    // Of a call that may run on another node.
    /// Nodes a call is sent to at most, the first included.
    static constexpr std::size_t sends_max = 4;
    function_route* route = nullptr;
    peer_link* via = nullptr;  // whose node has it now; null: this node
    std::uint32_t place = 0;   // of that node in the route
    std::array<std::uint64_t, sends_max> tried{};
    std::uint8_t sends = 0;
    bool may_have_run = false;    // on a node that did not say so, and then it was sent again
    std::int64_t sent_ns = 0;     // to the node that has it now
    bool cold_elsewhere = false;  // who runs it has said that it paid for a start
    cluster::call_losses losses;  // here and before: see `wire::losses_max`
    std::unique_ptr<std::string> lost_with;  // the first node that was lost here

    // Of a call that repeats are recognised of.
    enum class part : std::uint8_t {
        none,      // nobody would know a repeat
        first,     // it runs, or is on its way to
        orphan,    // the same, and only repeats wait for it
        attached,  // it is a repeat and waits for the first
    };
    part plays = part::none;
    call_window::ticket named;  // of the running call, whichever part this one plays

    [[nodiscard]] bool leads() const noexcept {
        return plays == part::first || plays == part::orphan;
    }
    /// Whether it has been sent to that node.
    [[nodiscard]] bool was_tried_on(std::uint64_t instance) const noexcept {
        const auto* end = tried.data() + std::min(sends_max, std::size_t{sends});
        return std::find(tried.data(), end, instance) != end;
    }
    [[nodiscard]] bool open() const noexcept { return asker != nullptr; }
    [[nodiscard]] bool settled() const noexcept { return static_cast<bool>(keep); }
    [[nodiscard]] actors::answer_address address() const noexcept { return {slot, generation}; }
    [[nodiscard]] actors::invocation& invocation() const noexcept { return (*work)[index]; }
    /// Whether an activation was started for it, here or where it ran. @pre it has its value.
    [[nodiscard]] bool paid_for_start() const noexcept {
        return invocation().cold || cold_elsewhere;
    }
};

}  // namespace dunlin::runtime
