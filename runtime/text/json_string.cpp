// SPDX-License-Identifier: Apache-2.0
//
// Text as a JSON string, whatever bytes it has.
#include "runtime/text/json_payload.hpp"
#include "support/utf8.hpp"

#include <algorithm>
#include <cstdio>

namespace dunlin::runtime {
namespace {

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
        const auto size = support::character_bytes(text);
        if (size > 1 || text.front() == 0x7f) {
            to += text.substr(0, size);
        } else if (size == 1) {
            append_escaped(to, text.front());
        } else {
            to += support::replacement_character;
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    to += '"';
}

}  // namespace dunlin::runtime
