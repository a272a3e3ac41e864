// SPDX-License-Identifier: Apache-2.0
//
// What all stores refuse in the same words: names that no space may have, and numbers that no
// space has; and how large a value may be. Pure.
#pragma once

#include "support/names.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::actors {

/// Of an encoded value. It is read and written as a whole, in a batch with others.
inline constexpr std::size_t value_bytes_max = std::size_t{16} << 20;

/// A space is named as a function is.
[[nodiscard]] inline result<void> check_space_name(std::string_view name) {
    if (support::is_name(name)) return {};
    return {errc::invalid_argument, "'" + std::string(name) +
                                        "' cannot be the name of a space, which is " +
                                        std::string(support::name_rule)};
}

[[nodiscard]] inline error no_such_space(std::uint32_t space) {
    return {errc::internal, "no space of number " + std::to_string(space) + " has been opened"};
}

}  // namespace dunlin::actors
