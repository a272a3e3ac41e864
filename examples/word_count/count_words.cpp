// SPDX-License-Identifier: Apache-2.0
#include "count_words.hpp"

#include "letters.hpp"

#include <array>
#include <utility>

namespace word_count {

namespace {

enum class kind : unsigned char { separator, letter, digit, apostrophe };

constexpr char32_t typographic_apostrophe = 0x2019;

constexpr std::array<kind, 0x80> ascii_kinds = [] {
    std::array<kind, 0x80> kinds{};
    for (std::size_t c = 'a'; c <= 'z'; ++c) kinds[c] = kinds[c - 'a' + 'A'] = kind::letter;
    for (std::size_t c = '0'; c <= '9'; ++c) kinds[c] = kind::digit;
    kinds['\''] = kind::apostrophe;
    return kinds;
}();

constexpr char32_t ascii_lower(char32_t c) { return c >= 'A' && c <= 'Z' ? c + 0x20 : c; }

kind kind_of(char32_t c) {
    if (c < 0x80) return ascii_kinds[c];
    if (c == typographic_apostrophe) return kind::apostrophe;
    return is_letter(c) ? kind::letter : kind::separator;
}

/// Takes a text one code point after the other and counts the words in it.
class counter {
public:
    void take(char32_t c) {
        const kind now = kind_of(c);
        const bool joins = apostrophe_waits_ && now == kind::letter;
        if (apostrophe_waits_ && !joins) end_word();
        switch (now) {
            case kind::letter:
                if (joins) word_.push_back('\'');
                has_letter_ = true;
                [[fallthrough]];
            case kind::digit: append(c); break;
            case kind::apostrophe:
                if (last_ != kind::letter) end_word();
                break;
            case kind::separator: end_word(); break;
        }
        apostrophe_waits_ = now == kind::apostrophe && last_ == kind::letter;
        last_ = now;
    }

    word_counts finish() {
        end_word();
        return std::move(counts_);
    }

private:
    void append(char32_t c) {
        // A run that is too long to be a word is not collected to its end.
        if (word_.size() > word_bytes_max) return;
        if (c < 0x80)
            word_.push_back(static_cast<char>(ascii_lower(c)));
        else
            append_utf8(word_, to_lower(c));
    }
    void end_word() {
        if (has_letter_ && word_.size() <= word_bytes_max) ++counts_[word_];
        word_.clear();
        has_letter_ = false;
    }

    word_counts counts_;
    std::string word_;
    bool has_letter_ = false;
    bool apostrophe_waits_ = false;
    kind last_ = kind::separator;
};

}  // namespace

word_counts count_words(std::string_view text) {
    counter words;
    for (std::size_t at = 0; at < text.size();) {
        // Most text is ASCII, and cheaper without the general way.
        const auto byte = static_cast<unsigned char>(text[at]);
        const code_point next = byte < 0x80 ? code_point{byte, 1} : decode_utf8(text, at);
        words.take(next.value);
        at += next.length;
    }
    return words.finish();
}

void add_counts(word_counts& total, word_counts&& more) {
    // Words that are new move over; those that stay behind are in both.
    total.merge(more);
    for (const auto& [word, count] : more) total[word] += count;
}

std::size_t last_cut(std::string_view text) noexcept {
    // Only ASCII is looked at: no byte of a longer character is mistaken for it.
    for (std::size_t size = text.size(); size > 0; --size) {
        const auto byte = static_cast<unsigned char>(text[size - 1]);
        if (byte < 0x80 && ascii_kinds[byte] == kind::separator) return size;
    }
    return 0;
}

}  // namespace word_count
