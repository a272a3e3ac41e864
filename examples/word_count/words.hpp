// SPDX-License-Identifier: Apache-2.0
//
// What a word is, and how often each is in a text.
//
// A word is a run of letters and digits with at least one letter, in lower case. An apostrophe
// between two letters belongs to it. Every byte beyond ASCII counts as a letter, which keeps the
// characters of UTF-8 whole. Runs of more than 64 bytes are encoded data and left out.
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace word_count {

using word_counts = std::unordered_map<std::string, std::uint64_t>;

inline constexpr std::size_t word_bytes_max = 64;

[[nodiscard]] word_counts count_words(std::string_view text);

/// How many bytes of `text` can be counted apart from what follows: up to the last byte that is in
/// no word. Zero when every byte may be.
[[nodiscard]] std::size_t last_cut(std::string_view text) noexcept;

}  // namespace word_count
