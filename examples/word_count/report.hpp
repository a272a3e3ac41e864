// SPDX-License-Identifier: Apache-2.0
//
// What a count found, as a page for people or as one JSON object. Pure functions.
#pragma once

#include "count_tree.hpp"

#include <cstddef>
#include <string>

namespace word_count {

/// `top` is the number of words listed, most frequent first; zero lists all.
[[nodiscard]] std::string text_report(const tree_totals& totals, std::size_t top,
                                      std::size_t window);
[[nodiscard]] std::string json_report(const tree_totals& totals, std::size_t top);

}  // namespace word_count
