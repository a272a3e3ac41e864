// SPDX-License-Identifier: Apache-2.0
#include "letters.hpp"

#include <algorithm>
#include <array>

namespace word_count {

namespace {

constexpr char32_t replacement = 0xFFFD;

struct range {
    char32_t first;
    char32_t last;
};

// Beyond ASCII, in order.
constexpr std::array no_letters{
    range{0x0080, 0x00A9},  // controls, Latin-1 symbols; then the ordinal a,
    range{0x00AB, 0x00B4},  // the micro sign,
    range{0x00B6, 0x00B9},  // and the ordinal o are letters
    range{0x00BB, 0x00BF},    range{0x00D7, 0x00D7},  // the multiplication sign
    range{0x00F7, 0x00F7},                            // the division sign
    range{0x2000, 0x2BFF},  // punctuation, currencies, arrows, mathematics, boxes, dingbats
    range{0x2E00, 0x2E7F},    range{0x3000, 0x3004},  // CJK punctuation
    range{0x3008, 0x3020},    range{0x3030, 0x3030},
    range{0xD800, 0xF8FF},  // surrogates, private use
    range{0xFE00, 0xFE6F},  // variation selectors, small forms
    range{0xFEFF, 0xFEFF},  // byte order mark
    range{0xFF00, 0xFF20},  // full-width punctuation and digits
    range{0xFF3B, 0xFF40},    range{0xFF5B, 0xFF65},
    range{0xFFF0, 0xFFFF},    range{0x1F000, 0x1FAFF},  // pictographs
    range{0xE0000, 0x10FFFF},
};

constexpr bool between(char32_t c, char32_t first, char32_t last) {
    return c >= first && c <= last;
}

// Latin Extended-A pairs capitals with the small letter after them; which of two neighbours is the
// capital changes on the way.
char32_t lower_latin_extended(char32_t c) {
    const bool even = c % 2 == 0;
    if (c == 0x0130 || c == 0x0138 || c == 0x0149 || c == 0x017F) return c;
    if (c == 0x0178) return 0x00FF;
    const bool capitals_are_even = c < 0x0138 || between(c, 0x014A, 0x0177);
    return even == capitals_are_even ? c + 1 : c;
}

}  // namespace

code_point decode_utf8(std::string_view text, std::size_t at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};

    std::size_t length = 0;
    char32_t smallest = 0;
    if (between(lead, 0xC2, 0xDF)) {
        length = 2;
        smallest = 0x80;
    } else if (between(lead, 0xE0, 0xEF)) {
        length = 3;
        smallest = 0x800;
    } else if (between(lead, 0xF0, 0xF4)) {
        length = 4;
        smallest = 0x10000;
    }
    if (length == 0 || text.size() - at < length) return {replacement, 1};

    char32_t value = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return {replacement, 1};
        value = value << 6 | (byte(i) & 0x3FU);
    }
    const bool malformed = value < smallest || value > 0x10FFFF || between(value, 0xD800, 0xDFFF);
    if (malformed) return {replacement, 1};
    return {value, length};
}

bool is_letter(char32_t c) noexcept {
    const auto* const found =
        std::lower_bound(no_letters.begin(), no_letters.end(), c,
                         [](const range& r, char32_t value) { return r.last < value; });
    return found == no_letters.end() || c < found->first;
}

char32_t to_lower(char32_t c) noexcept {
    if (between(c, 'A', 'Z')) return c + 0x20;
    if (c < 0xC0) return c;
    if (between(c, 0x00C0, 0x00DE)) return c == 0x00D7 ? c : c + 0x20;
    if (between(c, 0x0100, 0x017F)) return lower_latin_extended(c);
    if (between(c, 0x0391, 0x03A9)) return c == 0x03A2 ? c : c + 0x20;
    if (between(c, 0x0400, 0x040F)) return c + 0x50;
    if (between(c, 0x0410, 0x042F)) return c + 0x20;
    return c;
}

void append_utf8(std::string& to, char32_t c) {
    const auto put = [&to](char32_t byte) { to.push_back(static_cast<char>(byte)); };
    if (c < 0x80) return put(c);
    if (c < 0x800) {
        put(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3F));
    } else {
        put(0xF0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3F));
        put(0x80 | (c >> 6 & 0x3F));
    }
    put(0x80 | (c & 0x3F));
}

}  // namespace word_count
