// SPDX-License-Identifier: Apache-2.0
//
// What is owed to one caller: how many of its calls are open, and which of them can be found by id.
//
// A call has a caller for as long as it is open: a peer at the other end of a socket, which derives
// from this; the functions of this node, which call others through the lane they run on; or nobody,
// when the caller has gone and only repeats still wait for the answer.
// Owned by a lane; one thread.
#pragma once

#include "cluster/retry_budget.hpp"
#include "runtime/calls/call_index.hpp"

#include <cstddef>
#include <cstdint>

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
    std::size_t in_flight = 0;
    /// Settled calls by their id. Ids are a peer's own, so only peers have an index.
    call_index<ledger_entry> settled;
};

}  // namespace dunlin::runtime
