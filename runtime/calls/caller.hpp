// SPDX-License-Identifier: Apache-2.0
//
// What is owed to one caller: how many of its calls are open, and which of them can be found by id.
//
// A call has a caller for as long as it is open: a peer at the other end of a socket, which derives
// from this; the functions of this node, which call others through the lane they run on; or nobody,
// when the caller has gone and only repeats still wait for the answer.
//
// A caller whose key has a quota counts its calls there, too, beside those of the key's other
// connections. Both counts change together, in `began` and `ended` alone, so that no way in which a
// call can end leaves a place taken.
// Owned by a lane; one thread, but for the use of the quota.
#pragma once

#include "cluster/retry_budget.hpp"
#include "runtime/calls/call_index.hpp"
#include "runtime/security/quota.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace dunlin::runtime {

struct ledger_entry;

struct caller {
    enum class kind : std::uint8_t {
        peer,       // a `peer`, which is sent its answers
        functions,  // those of this node: answered through the port in the invocation
        nobody,     // only repeats wait for the answer
    };
    explicit caller(kind which) noexcept : what(which) {}

    const kind what;
    /// What its failed calls may cost other nodes.
    cluster::retry_budget retries{0};
    std::size_t in_flight = 0;    // changes with `began` and `ended`
    quota_use* shared = nullptr;  // where its calls count as well; null: nowhere
    bool place_taken = false;     // there, for the call that is being admitted
    /// Settled calls by their id. Ids are a peer's own, so only peers have an index.
    call_index<ledger_entry> settled;

    void began() noexcept {
        ++in_flight;
        if (shared != nullptr && !std::exchange(place_taken, false)) shared->take(1);
    }
    void ended() noexcept {
        --in_flight;
        if (shared != nullptr) shared->give_back(1);
    }
    /// The call that was being admitted has not begun: it was refused, or answered at once.
    void free_place() noexcept {
        if (std::exchange(place_taken, false)) shared->give_back(1);
    }
    /// From now on its calls count there, also those that are open. The one before has to be alive.
    void count_in(quota_use* next) noexcept {
        if (shared == next) return;
        if (shared != nullptr) shared->give_back(in_flight);
        shared = next;
        if (shared != nullptr) shared->take(in_flight);
    }
};

}  // namespace dunlin::runtime
