// SPDX-License-Identifier: Apache-2.0
//
// Which code points are letters, and their lower case, without a Unicode database.
//
// Everything outside ASCII is a letter except the blocks known to hold punctuation, symbols and
// controls. Lower case covers ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic. What is not
// well-formed UTF-8 is no letter. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace word_count {

/// One step through a text.
struct code_point {
    char32_t value = 0;      // 0xFFFD for a byte that belongs to no character
    std::size_t length = 1;  // bytes taken
};

/// The code point at `at`, which is inside the text.
[[nodiscard]] code_point decode_utf8(std::string_view text, std::size_t at) noexcept;

/// For code points beyond ASCII.
[[nodiscard]] bool is_letter(char32_t c) noexcept;

[[nodiscard]] char32_t to_lower(char32_t c) noexcept;

void append_utf8(std::string& to, char32_t c);

}  // namespace word_count
