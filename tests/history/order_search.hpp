// SPDX-License-Identifier: Apache-2.0
//
// Looks for an order in which the operations on a key can have happened one after another.
//
// Wing and Gong ("Testing and verifying concurrent objects", 1993), as Lowe improves it ("Testing
// for linearizability", 2017) and Knossos and Porcupine do it: operations take effect one by one,
// each as late as it may; what has been tried, a set of operations with the state that it leads to,
// is remembered and not tried again. Keys are judged apart from each other (Horn and Kroening,
// "Faster linearizability checking via P-compositionality", 2015).
//
// Operations without an answer end never and need not happen; of those that cannot be told apart,
// the one that was called first goes first. The time is exponential at worst, so it is bounded by a
// number of steps, and then the history is undecided. Pure.
#pragma once

#include "tests/history/operation.hpp"
#include "tests/history/verdict.hpp"

#include <cstdint>
#include <span>

namespace dunlin::history {

/// About a second, and some ten megabytes.
inline constexpr std::uint64_t search_steps_max = 300'000;

/// @pre ids are each there once
[[nodiscard]] verdict by_search(std::span<const operation> of_one_key,
                                std::uint64_t steps_max = search_steps_max);

}  // namespace dunlin::history
