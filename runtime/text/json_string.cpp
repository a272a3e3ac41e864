// SPDX-License-Identifier: Apache-2.0
//
// Text as a JSON string, whatever bytes it has.
#include "runtime/text/json_payload.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace dunlin::runtime {
namespace {

// The length of the UTF-8 character that `text` begins with, or 0 when it is none. Refuses
// overlong forms, surrogates and what lies beyond Unicode, as RFC 3629 does.
std::size_t character_bytes(std::string_view text) noexcept {
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

void append_escaped(std::string& to, char c) {
    switch (c) {
        case '"': to += "\\\""; return;
        case '\\': to += "\\\\"; return;
        case '\n': to += "\\n"; return;
        case '\r': to += "\\r"; return;
        case '\t': to += "\\t"; return;
        default: break;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
    to += escaped;
}

bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
    to += '"';
    while (!text.empty()) {
        const auto plain = static_cast<std::size_t>(
            std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
        to += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        const auto size = character_bytes(text);
        if (size > 1 || text.front() == 0x7f) {
            to += text.substr(0, size);
        } else if (size == 1) {
            append_escaped(to, text.front());
        } else {
            to += "\xEF\xBF\xBD";
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    to += '"';
}

}  // namespace dunlin::runtime
