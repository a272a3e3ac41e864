// SPDX-License-Identifier: Apache-2.0
//
// What of this example needs no node: words and chunks.
#include "text_file.hpp"
#include "words.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <vector>

using namespace word_count;

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
    std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
    if (!holds) ++failures;
}

void words_are_runs_of_letters_and_digits() {
    const struct {
        const char* rule;
        std::string text;
        word_counts counts;
    } table[] = {
        {"an empty text has no words", "", {}},
        {"case does not matter", "The cat, the dog.", {{"the", 2}, {"cat", 1}, {"dog", 1}}},
        {"a word has a letter", "42 utf8 3rd 2.0", {{"utf8", 1}, {"3rd", 1}}},
        {"an apostrophe joins letters only",
         "Don't 'quote' it's' rock'90 a''b",
         {{"don't", 1}, {"quote", 1}, {"it's", 1}, {"rock", 1}, {"a", 1}, {"b", 1}}},
        {"bytes beyond ASCII are letters",
         "\u00e9t\u00e9 a\xff",
         {{"\u00e9t\u00e9", 1}, {"a\xff", 1}}},
        {"64 bytes are a word", std::string(64, 'a'), {{std::string(64, 'a'), 1}}},
        {"65 bytes are none", std::string(65, 'a'), {}},
    };
    for (const auto& [rule, text, counts] : table) expect(count_words(text) == counts, rule);
}

std::vector<std::string> chunks_of(const std::string& text, std::size_t bytes) {
    std::istringstream stream(text);
    text_file file(stream, bytes);
    expect(!file.binary(), "a text is not binary");
    std::vector<std::string> chunks;
    for (auto chunk = file.next(); !chunk.empty(); chunk = file.next()) chunks.push_back(chunk);
    return chunks;
}

void chunks_hold_whole_words() {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "word" + std::to_string(i) + (i % 7 == 0 ? "\n" : " ");
    word_counts total;
    std::string together;
    std::size_t longest = 0;
    for (const auto& chunk : chunks_of(text, 1024)) {
        longest = std::max(longest, chunk.size());
        together += chunk;
        for (const auto& [word, count] : count_words(chunk)) total[word] += count;
    }
    expect(together == text, "the chunks are the text");
    expect(longest <= 1024, "no chunk is longer than asked for");
    expect(total == count_words(text), "the chunks' counts are the text's");
    const auto unbroken = chunks_of(std::string(10'000, 'x'), 1024);
    expect(unbroken.size() == 3 && unbroken[0].size() == 4096, "an unbroken chunk grows fourfold");
    expect(chunks_of("", 1024).empty(), "an empty file has no chunk");
    std::istringstream stream(std::string("ELF\0\1", 5));
    expect(text_file(stream, 1024).binary(), "a NUL byte makes a file binary");
}

}  // namespace

int main() {
    words_are_runs_of_letters_and_digits();
    chunks_hold_whole_words();
    std::printf("%d failed\n", failures);
    return failures == 0 ? 0 : 1;
}
