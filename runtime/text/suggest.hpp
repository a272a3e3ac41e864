// SPDX-License-Identifier: Apache-2.0
//
// "Did you mean ...?" for whatever people type: functions, verbs, options, configuration keys.
//
// A suggestion is offered only when it is close enough to be a slip of the fingers; a wrong
// guess costs the reader more than none. Pure functions, safe from any thread. The work is
// bounded: names longer than 128 bytes are never near anything.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Insertions, deletions, replacements and swaps of neighbours that lead from one text to the
/// other. Letters that differ only in case, and '-' for '_', count as equal.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The known name that `wanted` most likely means, or nothing when none is near: at most one edit
/// for three letters, and never more than four. The first of equally near ones wins.
///
/// For names of the form module/function, a function of that name in another module also counts
/// as near.
[[nodiscard]] std::string nearest(std::string_view wanted, std::span<const std::string> known);

/// "; did you mean text/count_words?" or nothing, to be put behind an error's sentence.
[[nodiscard]] std::string did_you_mean(std::string_view wanted, std::span<const std::string> known);

}  // namespace dunlin::runtime
