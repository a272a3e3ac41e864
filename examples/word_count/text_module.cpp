// SPDX-License-Identifier: Apache-2.0
//
// The module `text`: what runs in the node.
#include "messages.hpp"

#include <dunlin/function.hpp>

using namespace word_count;

static text_counts count_chunk(const text_chunk& chunk, dunlin::context& ctx) {
    ctx.log().debug("counting", {{"name", chunk.name}, {"bytes", chunk.text.size()}});
    return {count_words(dunlin::as_text(chunk.text)), chunk.text.size()};
}

DUNLIN_MODULE(text, m) {
    m.function("count_words", count_chunk)
        .idempotent()
        .description("Counts how often each word is in a text.");
}
