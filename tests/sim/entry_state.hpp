// SPDX-License-Identifier: Apache-2.0
//
// The state of functions in simulated lives: a list of entries, as an object of a module's type.
//
// Encoded it is its entries, eight bytes each. `cheap` claims that a copy costs nothing, so that a
// turn is undone by copy; without it, from the encoded form. Constant.
#pragma once

#include <dunlin/abi.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace dunlin::sim {

using entry_list = std::optional<std::vector<std::uint64_t>>;

[[nodiscard]] const dunlin_state_type& entry_state(bool cheap);

}  // namespace dunlin::sim
