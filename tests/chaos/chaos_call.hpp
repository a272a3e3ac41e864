// SPDX-License-Identifier: Apache-2.0
//
// What a call of the module `chaos` carries and brings back, for the module and for its caller.
// Plain values.
#pragma once

#include <dunlin/fields.hpp>

#include <cstdint>
#include <string>

namespace dunlin::chaos {

struct order {
    /// Names the call among all that are made in one run, whatever becomes of it on its way.
    std::uint64_t id = 0;
    /// How long it takes on a node that is not slowed, in microseconds.
    std::uint64_t us = 0;
    DUNLIN_FIELDS(id, us)
};

struct receipt {
    /// Of the node that ran it.
    std::string node;
    std::uint32_t attempt = 0;
    /// How long it took there, in microseconds.
    std::uint64_t us = 0;
    DUNLIN_FIELDS(node, attempt, us)
};

}  // namespace dunlin::chaos
