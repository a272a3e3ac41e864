// SPDX-License-Identifier: Apache-2.0
//
// Decides histories in which every answer says where its operation stands.
//
// If nothing is erased and each write that was answered tells the count after it, the order of
// writes is given: its own number is the place of each. Then a history is linearizable exactly if
// no two writes have one place, places that nobody has told can be filled by writes without an
// answer that began early enough, entries that were read agree, and nothing ended before something
// that stands before it began. That takes one sort, however many operations are under way at once,
// where a search would have to try orders. Pure.
#pragma once

#include "tests/history/operation.hpp"
#include "tests/history/verdict.hpp"

#include <span>

namespace dunlin::history {

/// Whether places are told: otherwise `by_answered_positions` decides nothing.
[[nodiscard]] bool tells_positions(std::span<const operation> of_one_key);

/// @pre `tells_positions`, and ids are each there once
[[nodiscard]] verdict by_answered_positions(std::span<const operation> of_one_key);

}  // namespace dunlin::history
