// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

namespace word_count {

namespace {

bool is_letter(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || ((byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Whether the byte at `at` is an apostrophe between two letters.
bool joins(std::string_view text, std::size_t at) {
    return text[at] == '\'' && at > 0 && at + 1 < text.size() && is_letter(text[at - 1]) &&
           is_letter(text[at + 1]);
}

}  // namespace

word_counts count_words(std::string_view text) {
    word_counts counts;
    std::string word;
    bool has_letter = false;
    const auto end_word = [&] {
        if (has_letter && word.size() <= word_bytes_max) ++counts[word];
        word.clear();
        has_letter = false;
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (!is_letter(c) && !is_digit(c) && !joins(text, at)) {
            end_word();
            continue;
        }
        has_letter |= is_letter(c);
        // A run that is too long to be a word is not collected to its end.
        if (word.size() <= word_bytes_max) word.push_back(lower(c));
    }
    end_word();
    return counts;
}

std::size_t last_cut(std::string_view text) noexcept {
    std::size_t size = text.size();
    while (size > 0) {
        const char c = text[size - 1];
        if (!is_letter(c) && !is_digit(c) && c != '\'') break;
        --size;
    }
    return size;
}

}  // namespace word_count
