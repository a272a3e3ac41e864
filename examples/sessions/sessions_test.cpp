// SPDX-License-Identifier: Apache-2.0
//
// What of this example needs no node: lines of logs, and what is folded of them.
#include "folding.hpp"
#include "log_line.hpp"
#include "log_reader.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace sessions;

namespace {

int failures = 0;

void expect(bool holds, const std::string& what) {
    std::printf("%s: %s\n", holds ? "ok" : "FAILED", what.c_str());
    if (!holds) ++failures;
}

const std::string good =
    R"line(10.0.0.9 - ann [10/Oct/2000:13:55:36 -0700] "GET /a.html?q=1 HTTP/1.1" 200 2326 "-" "Mozilla/5.0 (X; \"Y\")")line";

std::string with(const std::string& from, const std::string& to) {
    std::string line = good;
    return line.replace(line.find(from), from.size(), to);
}

void a_line_is_read() {
    const auto read = read_line(good);
    expect(read.has_value(), "a line in combined format is read");
    if (!read) return;
    expect(read->visitor == "10.0.0.9", "the visitor is the address");
    expect(read->page == "/a.html", "the page has no query");
    expect(read->seconds == 971'211'336, "the time is that of its zone");
    expect(read->bytes == 2326 && read->view, "it is a view of so many bytes");
    const auto leap = read_line(with("10/Oct/2000:13:55:36 -0700", "29/Feb/2024:23:59:60 +0545"));
    expect(leap && leap->seconds == 1'709'230'500, "leap days, leap seconds and odd zones are");
    expect(read_line(with("2326", "-")).has_value(), "no size is a size of none");
    expect(!read_line(with(" 200 ", " 404 "))->view, "what is not there is no view");
    expect(!read_line(with("GET", "POST"))->view, "what is sent is no view");
    expect(read_line(with(" HTTP/1.1", ""))->page == "/a.html", "a request may name no protocol");
}

void bad_lines_are_none() {
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"10.0.0.9 - ann", ""},
             {"10/Oct", "32/Oct"},
             {"10/Oct", "10/Okt"},
             {"2000:13", "2000:25"},
             {"10/Oct/2000:13:55:36 -0700", "30/Feb/2000:13:55:36 -0700"},
             {"-0700", "0700"},
             {"GET /a.html?q=1 HTTP/1.1", "\\x16\\x03\\x01"},
             {"GET /a.html?q=1 HTTP/1.1", ""},
             {"/a.html?q=1", "?q=1"},
             {" 200 ", " 2xx "},
             {"2326", "23 26"},
             {"2326", "-1"},
             {"2326", "99999999999999999999999"},
             {"\\\"Y\\\")\"", "\\\"Y\\\")"},
             {"\\\"Y\\\")\"", "\\\"Y\\\")\" more"}})
        expect(!read_line(with(from, to)), "bad: " + with(from, to));
    for (std::size_t size = 0; size < good.size(); ++size)
        if (read_line(good.substr(0, size))) expect(false, "cut after " + std::to_string(size));
    expect(!read_line(""), "an empty line is bad");
}

void keys_are_short_and_apart() {
    const std::string longest(255, 'a');
    expect(key_of(longest) == longest, "255 bytes are a key");
    const auto one = key_of(longest + "b");
    const auto other = key_of(longest + "c");
    expect(one.size() <= 255 && other.size() <= 255 && one != other, "longer ones are told apart");
}

void sessions_end_after_a_gap() {
    visitor kept;
    const auto at = [&](std::vector<view> seen) {
        return fold_visitor({"v", "log", 1800, std::move(seen)}, kept);
    };
    expect(at({{0, 1000, 5}, {100, 2800, 5}}).sessions == 1, "30 minutes do not end a session");
    expect(at({{200, 4601, 5}}).sessions == 2, "a second more does");
    expect(at({{300, 4000, 5}}).sessions == 2, "a time that goes back does not");
    expect(at({{400, 6401, 5}}).sessions == 2, "nor does it move the end of the session");
    expect(kept.views == 5 && kept.bytes == 25 && kept.longest_views == 3, "all are counted");
}

void what_comes_again_is_not_folded() {
    page kept;
    const auto fold = [&](std::string_view log, std::vector<view> seen) {
        return fold_page({"p", log, 1800, std::move(seen)}, kept);
    };
    expect(fold("a", {{0, 1, 10}, {50, 1, 10}}).added == 2, "the first lines are new");
    expect(fold("a", {{0, 1, 10}, {50, 1, 10}, {90, 1, 10}}).added == 1, "those that follow, too");
    expect(fold("a", {{50, 1, 10}}).views == 3, "what comes late again changes nothing");
    expect(fold("b", {{0, 1, 10}}).views == 4, "another log has lines of its own");
}

/// What a reader makes of a file that contains this.
std::vector<log_reader::line> lines_of(const std::string& text, std::uint64_t& unfinished,
                                       std::vector<std::string>& texts) {
    std::FILE* const file = std::tmpfile();
    if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size() ||
        std::fflush(file) != 0)
        std::abort();
    std::rewind(file);
    log_reader log(::fileno(file));
    std::vector<log_reader::line> all;
    while (const auto line = log.next()) {
        all.push_back(*line);
        texts.emplace_back(line->text);
    }
    unfinished = log.unfinished_bytes();
    std::fclose(file);
    return all;
}

void lines_have_places() {
    std::uint64_t unfinished = 0;
    std::vector<std::string> texts;
    const std::string huge(300'000, 'x');
    const auto lines = lines_of("one\n\n" + huge + "\nlast\nnot ended", unfinished, texts);
    expect(texts == std::vector<std::string>{"one", "", "", "last"}, "lines are found");
    expect(lines.size() == 4 && lines[1].offset == 4 && lines[2].offset == 5 &&
               lines[3].offset == 300'006,
           "they begin where they do, also behind one that is too long");
    expect(unfinished == 9, "what has no end is left");
}

}  // namespace

int main() {
    a_line_is_read();
    bad_lines_are_none();
    keys_are_short_and_apart();
    sessions_end_after_a_gap();
    what_comes_again_is_not_folded();
    lines_have_places();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
