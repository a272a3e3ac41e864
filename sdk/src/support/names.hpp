// SPDX-License-Identifier: Apache-2.0
//
// What modules and functions may be called: the one rule that the SDK and the node's loader share.
// Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace dunlin::support {

/// A full name, `module/function`, then stays well below what the wire carries.
inline constexpr std::size_t name_bytes_max = 64;
inline constexpr std::string_view name_rule = "1 to 64 characters of a-z, 0-9, '_', '-' and '.'";

[[nodiscard]] constexpr bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= name_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                      c == '.';
           });
}

}  // namespace dunlin::support
