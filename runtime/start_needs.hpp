// SPDX-License-Identifier: Apache-2.0
//
// What a node takes from the system as it starts, and whether the system gives it.
//
// CAF and libzmq make threads and descriptors where a failure cannot be returned: they abort, or
// wait for a thread that was never made. So a node that is about to start takes as many threads,
// descriptors and address space first, all at the same time, and gives them back; what is refused
// then is an error that says which limit to raise. Others may take what there was in the moment
// between, another process of the same user or malloc: this makes a start under a limit fail
// cleanly all but always, not certain to succeed. That malloc takes no more under a limit of
// address space than the trial saw is for the process to see to (program/heap_arenas.hpp). Any
// thread, but before the node has threads of its own.
#pragma once

#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <string_view>

namespace dunlin::runtime {

struct start_needs {
    std::size_t threads = 0;
    std::size_t descriptors = 0;
    std::size_t bytes = 0;  // of address space, beside the threads' stacks

    friend bool operator==(const start_needs&, const start_needs&) = default;
};

/// Of a node whose defaults are filled in.
[[nodiscard]] start_needs needs_of(const node_config& config);

/// `unavailable` when the system does not give them now.
[[nodiscard]] result<void> check_given(const start_needs& needs);

/// What was refused meanwhile all the same, where that can be told.
[[nodiscard]] error refused_by_system(std::string_view why);

}  // namespace dunlin::runtime
