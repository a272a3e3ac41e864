// SPDX-License-Identifier: Apache-2.0
//
// Whether bytes are UTF-8, and what stands in their place where they are not.
//
// What a peer sends as text may be anything, and comes back in what its node says: the name of a
// function that there is not, a member's name. A strict reader gives up a whole frame for one such
// text, so a node makes text that came from others UTF-8 before it sends it. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::support {

/// U+FFFD, for each byte that belongs to no character.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// The length of the character that `text` begins with, or 0 when it begins with none. Refuses
/// overlong forms, surrogates and what lies beyond Unicode, as RFC 3629 does. `text` is not empty.
[[nodiscard]] constexpr std::size_t character_bytes(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = at(0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((at(i) & 0xc0) != 0x80) return 0;
    const bool valid = !(first == 0xe0 && at(1) < 0xa0) && !(first == 0xed && at(1) > 0x9f) &&
                       !(first == 0xf0 && at(1) < 0x90) && !(first == 0xf4 && at(1) > 0x8f);
    return valid ? size : 0;
}

[[nodiscard]] constexpr bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto size = character_bytes(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

[[nodiscard]] inline std::string as_utf8(std::string_view text) {
    std::string made;
    made.reserve(text.size() + 2 * replacement_character.size());
    while (!text.empty()) {
        const auto size = character_bytes(text);
        made += size == 0 ? replacement_character : text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return made;
}

}  // namespace dunlin::support
