// SPDX-License-Identifier: Apache-2.0
//
// A cluster's rates as text for a terminal of a given size, and as JSON. Pure; any thread.
#pragma once

#include "runtime/program/top_model.hpp"

#include <cstddef>
#include <limits>
#include <string>

namespace dunlin::program {

struct screen_size {
    std::size_t columns = std::numeric_limits<std::size_t>::max();
    std::size_t lines = std::numeric_limits<std::size_t>::max();
    bool operator==(const screen_size&) const = default;
};

/// A line about the whole, the nodes, the functions, the spaces if there are any. Never larger than
/// `size`: the last columns go first, then the functions with the fewest calls and the nodes
/// without trouble. Each line ends with a line break. `hint` stands at the end of the first line if
/// there is room.
[[nodiscard]] std::string top_text(const top_model& model, screen_size size,
                                   const std::string& hint = {});

/// One object on one line. What is not known is null.
[[nodiscard]] std::string top_json(const top_model& model);

}  // namespace dunlin::program
