// SPDX-License-Identifier: Apache-2.0
//
// Input and output of text/count_words, shared by the module and those who call it.
//
// Plain values. The chunk's text is a view, on both sides: the caller's buffer is encoded straight
// into a frame, and the function reads it where it arrived.
#pragma once

#include "words.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/codec.hpp>

#include <cstdint>
#include <string_view>

namespace word_count {

struct text_chunk {
    std::string_view name;    // where it is from; for the function's log
    dunlin::bytes_view text;  // need not be UTF-8
    DUNLIN_FIELDS(name, text)
    DUNLIN_REQUIRED(text)
};

struct text_counts {
    word_counts words;
    std::uint64_t bytes = 0;  // of the text
    DUNLIN_FIELDS(words, bytes)
};

}  // namespace word_count
