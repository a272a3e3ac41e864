// SPDX-License-Identifier: Apache-2.0
//
// What of this example needs no node: words, chunks, trees and options.
#include "count_words.hpp"
#include "file_walk.hpp"
#include "options.hpp"
#include "text_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace word_count;

namespace {

int failures = 0;

void expect(bool holds, const std::string& what) {
    std::printf("%s: %s\n", holds ? "ok" : "FAILED", what.c_str());
    if (!holds) ++failures;
}

void words_are_runs_of_letters_and_digits() {
    const auto counts = [](std::string_view text) { return count_words(text); };
    expect(counts("").empty(), "an empty text has no words");
    expect(counts("The cat, the dog.") == word_counts{{"the", 2}, {"cat", 1}, {"dog", 1}},
           "case and punctuation do not matter");
    expect(counts("42 utf8 3rd 2.0") == word_counts{{"utf8", 1}, {"3rd", 1}},
           "a word has a letter");
    expect(
        counts("Don't 'quote' it's' rock'90 a''b") ==
            word_counts{{"don't", 1}, {"quote", 1}, {"it's", 1}, {"rock", 1}, {"a", 1}, {"b", 1}},
        "an apostrophe counts between letters only");
    expect(counts("don\u2019t don't") == word_counts{{"don't", 2}},
           "the typographic apostrophe is the plain one");
    expect(counts("\u00C9t\u00E9 \u00E9t\u00E9 \u0416\u0417\u0418 \u0436\u0437\u0438") ==
               word_counts{{"\u00E9t\u00E9", 2}, {"\u0436\u0437\u0438", 2}},
           "letters beyond ASCII have lower case");
    expect(counts("a\u2014b \u201Cc\u201D d\u00D7e \u20AC9") ==
               word_counts{{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}},
           "symbols beyond ASCII separate");
    expect(counts("ab\xFF"
                  "cd\xE2\x82"
                  "ef") == word_counts{{"ab", 1}, {"cd", 1}, {"ef", 1}},
           "malformed bytes separate");
    expect(counts(std::string(64, 'a')).size() == 1, "64 bytes are a word");
    expect(counts(std::string(65, 'a')).empty(), "65 bytes are none");
}

std::vector<std::string> chunks_of(const std::string& text, std::size_t bytes) {
    std::istringstream stream(text);
    text_file file(stream, bytes);
    expect(!file.binary(), "a text is not binary");
    std::vector<std::string> chunks;
    for (std::string chunk; file.next(chunk);) chunks.push_back(chunk);
    expect(!file.failed(), "a text can be read");
    return chunks;
}

void chunks_hold_whole_words() {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "word" + std::to_string(i) + (i % 7 == 0 ? "\n" : " ");
    word_counts total;
    std::string together;
    std::size_t longest = 0;
    for (auto& chunk : chunks_of(text, 1024)) {
        longest = std::max(longest, chunk.size());
        together += chunk;
        add_counts(total, count_words(chunk));
    }
    expect(together == text, "the chunks are the text");
    expect(longest <= 1024, "no chunk is longer than asked for");
    expect(total == count_words(text), "the chunks' counts are the text's");

    const auto unbroken = chunks_of(std::string(10'000, 'x'), 1024);
    expect(unbroken.size() == 3 && unbroken[0].size() == 4096,
           "a chunk without a separator grows to four times its size");
    expect(chunks_of("", 1024).empty(), "an empty file has no chunk");

    std::istringstream stream(
        std::string("\x7f"
                    "ELF\0\1",
                    6));
    expect(text_file(stream, 1024).binary(), "a NUL byte makes a file binary");
}

void walks_see_each_file_once() {
    namespace fs = std::filesystem;
    const fs::path root =
        fs::temp_directory_path() / ("word_count_test." + std::to_string(::getpid()));
    fs::create_directories(root / "a/b");
    for (const char* name : {"README.md", "a/one", "a/b/README", "a/b/two"}) {
        std::ofstream(root / name) << name;
    }
    fs::create_directory_symlink(root, root / "a/b/loop");
    fs::create_symlink(root / "a/one", root / "a/alias");

    const auto files = [&](std::vector<walk_start> starts) {
        file_walk walk(std::move(starts));
        std::vector<std::string> names;
        while (const auto file = walk.next()) names.push_back(file->lexically_relative(root));
        std::sort(names.begin(), names.end());
        return names;
    };
    const std::vector<std::string> all{"README.md", "a/b/README", "a/b/two", "a/one"};
    expect(files({{root}}) == all, "links are not followed");
    expect(files({{root}, {root / "a"}, {root / "a/"}}) == all, "a nested start is seen once");
    expect(files({{root, true}}) == std::vector<std::string>{"README.md", "a/b/README"},
           "README files can be picked out");
    expect(files({{root / "a/b/loop"}}).size() == 4, "a link given as a start is followed");
    expect(files({{root / "a/one"}}) == std::vector<std::string>{"a/one"}, "a file is a start");
    file_walk nowhere({{root / "missing"}});
    expect(!nowhere.next() && nowhere.unreadable() == 1, "what cannot be opened is counted");
    fs::remove_all(root);
}

void options_say_what_is_wrong() {
    const auto given = parse_options({"docs", "--chunk", "64KiB", "--window=8", "--json"});
    expect(given.mistake.empty() && given.folders == std::vector<std::string>{"docs"} &&
               given.chunk_bytes == 65536 && given.window == 8 && given.json,
           "options are read");
    expect(given.nodes == std::vector<std::string>{"tcp://127.0.0.1:7440"}, "a node by default");
    expect(parse_options({"--node", "a", "--node=b"}).nodes == std::vector<std::string>{"a", "b"},
           "nodes are read in order, without the default");
    expect(parse_options({"--", "--json"}).folders == std::vector<std::string>{"--json"},
           "after -- everything is a folder");
    const auto mistake = [](std::vector<std::string_view> words) {
        return parse_options(words).mistake;
    };
    expect(mistake({"--chonk", "1"}).find("--chonk") != std::string::npos, "unknown option");
    expect(mistake({"--top"}).find("needs a value") != std::string::npos, "missing value");
    expect(!mistake({"--chunk", "1GiB"}).empty(), "a chunk over the limit");
    expect(!mistake({"--window", "0"}).empty(), "a window of none");
    expect(!mistake({"--window", "8x"}).empty(), "a number with a tail");
    expect(!mistake({"--json=yes"}).empty(), "a flag with a value");
}

}  // namespace

int main() {
    words_are_runs_of_letters_and_digits();
    chunks_hold_whole_words();
    walks_see_each_file_once();
    options_say_what_is_wrong();
    std::printf("%d failed\n", failures);
    return failures == 0 ? 0 : 1;
}
