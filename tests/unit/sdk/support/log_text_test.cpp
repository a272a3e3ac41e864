// SPDX-License-Identifier: Apache-2.0
#include "support/log_text.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin::support;

namespace {

std::string text(std::string_view from) {
    std::string to;
    append_log_text(to, from);
    return to;
}

std::string value(std::string_view from) {
    std::string to;
    append_log_value(to, from);
    return to;
}

}  // namespace

TEST_CASE("a sentence of a log line stays one line, whatever it holds") {
    CHECK(text("plain, \"quoted\" and C:\\path") == "plain, \"quoted\" and C:\\path");
    CHECK(text("err\nnewline\r\ttab") == "err\\nnewline\\r\\ttab");
    CHECK(text(std::string_view("nul\0bell\a\x1b[2Jdel\x7f", 17)) ==
          "nul\\x00bell\\x07\\x1b[2Jdel\\x7f");
    CHECK(text("gr\xc3\xbc\xc3\x9f \xf0\x9f\xa6\x86") == "gr\xc3\xbc\xc3\x9f \xf0\x9f\xa6\x86");
    CHECK(text("not \xff\xfe\xc0\xaf utf-8 \xed\xa0\x80 cut \xe2\x82") ==
          "not \\xff\\xfe\\xc0\\xaf utf-8 \\xed\\xa0\\x80 cut \\xe2\\x82");
    // What terminals and readers take for a control or for the end of a line.
    CHECK(text("\xc2\x85\xc2\x9b\xe2\x80\xa8\xe2\x80\xa9") == "\\u0085\\u009b\\u2028\\u2029");
    CHECK(text("\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf") == "\\u202e\\u2066\\ufeff");
}

TEST_CASE("a value of a log line cannot pretend to be two, or to be of another type") {
    CHECK(value("node-1.example:7440/a") == "node-1.example:7440/a");
    CHECK(value("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
    CHECK(value("") == R"("")");
    CHECK(value("b incarnation=9") == R"("b incarnation=9")");
    CHECK(value("a=b") == R"("a=b")");
    CHECK(value("say \"x\" \\") == R"("say \"x\" \\")");
    CHECK(value("b\nmember died") == R"("b\nmember died")");
    CHECK(value("\xff") == R"("\xff")");
    CHECK(value("\xe2\x80\xa8") == R"("\u2028")");
    for (const auto* like_another : {"12", "-0.5", "1e9", "true", "false"})
        CHECK(value(like_another) == '"' + std::string(like_another) + '"');
    for (const auto* word : {"01", "1.", ".5", "-", "1e", "+1", "0x1", "1_000", "null", "nan"})
        CHECK(value(word) == word);
}
