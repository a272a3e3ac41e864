// SPDX-License-Identifier: Apache-2.0
//
// A refused call's error and the record of the decision, each of which leads to the other.
//
// The error ends with the command that shows the record. A node that keeps no records says no more
// than the error did. Any thread, without a pool's lock.
#pragma once

#include "actors/decision_log.hpp"
#include "actors/pool.hpp"

#include <dunlin/result.hpp>

#include <cstdint>
#include <string_view>

namespace dunlin::runtime {

/// So many calls of the pool's function get `why`. `rule` and the names of `inputs` are static.
void record_refusal(const actors::pool& pool, std::uint32_t calls, std::string_view rule,
                    const actors::decision_inputs& inputs, error& why);

}  // namespace dunlin::runtime
