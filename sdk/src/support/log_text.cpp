// SPDX-License-Identifier: Apache-2.0
#include "support/log_text.hpp"

#include "support/utf8.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace dunlin::support {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7f; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Of a character of two or three bytes, which is where all that we escape lies.
std::uint32_t code_point(std::string_view character) noexcept {
    const auto bits = [&](std::size_t i, unsigned mask) {
        return static_cast<std::uint32_t>(static_cast<std::uint8_t>(character[i]) & mask);
    };
    if (character.size() == 2) return bits(0, 0x1f) << 6 | bits(1, 0x3f);
    if (character.size() == 3) return bits(0, 0x0f) << 12 | bits(1, 0x3f) << 6 | bits(2, 0x3f);
    return 0;
}

// C1 controls (terminals obey some), separators of lines, and marks that reorder what is shown.
bool is_treacherous(std::uint32_t point) noexcept {
    return (point >= 0x80 && point < 0xa0) || point == 0x61c ||
           (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

void append_byte(std::string& to, char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    switch (c) {
        case '\n': to += "\\n"; return;
        case '\r': to += "\\r"; return;
        case '\t': to += "\\t"; return;
        default: break;
    }
    to += "\\x";
    to += hex_digits[byte >> 4];
    to += hex_digits[byte & 15u];
}

void append_code_point(std::string& to, std::uint32_t point) {
    to += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) to += hex_digits[point >> shift & 15u];
}

void append(std::string& to, std::string_view text, bool quoted) {
    while (!text.empty()) {
        const char c = text.front();
        std::size_t size = 1;
        if (is_plain(c)) {
            if (quoted && (c == '"' || c == '\\')) to += '\\';
            to += c;
        } else if (size = character_bytes(text); size < 2) {
            append_byte(to, c);
            size = 1;
        } else if (const auto point = code_point(text.substr(0, size)); is_treacherous(point)) {
            append_code_point(to, point);
        } else {
            to += text.substr(0, size);
        }
        text.remove_prefix(size);
    }
}

// What stands in a value without quotes means itself.
bool stands_alone(std::string_view value) noexcept {
    if (value.empty() || value == "true" || value == "false" || is_json_number(value)) return false;
    while (!value.empty()) {
        const char c = value.front();
        const auto size = character_bytes(value);
        const bool fine = size == 1
                              ? is_plain(c) && c != ' ' && c != '"' && c != '=' && c != '\\'
                              : size != 0 && !is_treacherous(code_point(value.substr(0, size)));
        if (!fine) return false;
        value.remove_prefix(size);
    }
    return true;
}

}  // namespace

bool is_json_number(std::string_view text) noexcept {
    const auto take_digits = [&] {
        const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
        const auto count = static_cast<std::size_t>(end - text.begin());
        text.remove_prefix(count);
        return count;
    };
    const auto take = [&](char a, char b) {
        if (text.empty() || (text.front() != a && text.front() != b)) return false;
        text.remove_prefix(1);
        return true;
    };
    take('-', '-');
    const bool zero = !text.empty() && text.front() == '0';
    const auto whole = take_digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (take('.', '.') && take_digits() == 0) return false;
    if (take('e', 'E')) {
        take('+', '-');
        if (take_digits() == 0) return false;
    }
    return text.empty();
}

void append_log_text(std::string& to, std::string_view text) { append(to, text, false); }

void append_log_value(std::string& to, std::string_view value) {
    if (stands_alone(value)) {
        to += value;
        return;
    }
    to += '"';
    append(to, value, true);
    to += '"';
}

}  // namespace dunlin::support
