// SPDX-License-Identifier: Apache-2.0
//
// Bytes as text that survives JSON: RFC 4648's base64 with padding. Pure functions, any thread.
#pragma once

#include <dunlin/bytes.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

[[nodiscard]] std::string base64_from(bytes_view data);

/// Nothing when the text is not base64. Padding may be left out.
[[nodiscard]] std::optional<std::vector<std::byte>> bytes_from_base64(std::string_view text);

}  // namespace dunlin::runtime
