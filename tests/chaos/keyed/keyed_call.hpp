// SPDX-License-Identifier: Apache-2.0
//
// What calls of the module `tally` carry and bring back, for the module and for its caller. Plain
// values.
#pragma once

#include <dunlin/fields.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::chaos {

struct step {
    /// Names the call among all that are made in one run; what `append` appends.
    std::uint64_t id = 0;
    std::string key;
    /// Of the value that `put` makes.
    std::uint64_t bytes = 0;
    DUNLIN_FIELDS(id, key, bytes)
};

/// What is under the key once the call has run.
struct standing {
    std::uint64_t count = 0;
    std::vector<std::uint64_t> entries;  // of `list` only
    DUNLIN_FIELDS(count, entries)
};

}  // namespace dunlin::chaos
