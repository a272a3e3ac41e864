// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/log_line.hpp"

#include "support/log_text.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <random>
#include <string>

using namespace dunlin::runtime;
using nlohmann::json;

namespace {

json parsed(std::string_view line) {
    std::string members;
    append_log_json(members, line);
    INFO(members);
    return json::parse("{" + members + "}");
}

}  // namespace

TEST_CASE("the pairs of a log line become members of an object") {
    CHECK(parsed(R"(member died node=b incarnation=3 self=false why="no answer; x=1")") ==
          json({{"message", "member died"},
                {"node", "b"},
                {"incarnation", 3},
                {"self", false},
                {"why", "no answer; x=1"}}));
    CHECK(parsed("nothing but a sentence") == json({{"message", "nothing but a sentence"}}));
    CHECK(parsed("") == json({{"message", ""}}));
    CHECK(parsed("only=-1.5e3") == json({{"message", ""}, {"only", -1500.0}}));
    CHECK(parsed(R"(x text="12" word=12a nan=nan)") ==
          json({{"message", "x"}, {"text", "12"}, {"word", "12a"}, {"nan", "nan"}}));
    CHECK(parsed(R"(x esc="a\"b\\c\n\t\x1b\u2028\xff")") ==
          json({{"message", "x"}, {"esc", "a\"b\\c\n\t\x1b\xe2\x80\xa8\\xff"}}));
}

TEST_CASE("what only looks like pairs stays in the sentence") {
    CHECK(parsed("a=1 and more").at("message") == "a=1 and more");
    CHECK(parsed("x =1 y=2") == json({{"message", "x =1"}, {"y", 2}}));
    CHECK(parsed(R"(x a="open y=2)") == json({{"message", R"(x a="open)"}, {"y", 2}}));
    CHECK(parsed(R"(x a="b"c y=2)") == json({{"message", R"(x a="b"c)"}, {"y", 2}}));
    CHECK(parsed("x a= y=2") == json({{"message", "x a="}, {"y", 2}}));
}

TEST_CASE("no pair replaces what the node says itself") {
    CHECK(parsed("text function=other time=0 level=x message=y function=shop/cart") ==
          json({{"message", "text"},
                {"time_", 0},
                {"level_", "x"},
                {"message_", "y"},
                {"function", "shop/cart"}}));
}

TEST_CASE("a pair that the node adds is read whatever the sentence before it was") {
    std::minstd_rand random(7);
    const std::string_view letters = "ab =\"\\\n\xff\xc3\xa9";
    for (int round = 0; round < 20'000; ++round) {
        std::string raw;
        for (auto left = random() % 24; left > 0; --left) raw += letters[random() % letters.size()];
        std::string line;
        dunlin::support::append_log_text(line, raw);
        std::string value;
        for (auto left = random() % 8; left > 0; --left) value += letters[random() % 6];
        line += " name=";
        dunlin::support::append_log_value(line, value);
        line += " function=f";
        CAPTURE(line);
        const auto read = parsed(line);
        REQUIRE(read.at("function") == "f");
        REQUIRE(read.at("name") == value);
    }
}

TEST_CASE("a line full of quotes takes no longer than any other") {
    std::string line = "x";
    while (line.size() < 400'000) line += R"( a="b" =" a="c\")";
    line += " y=2";  // named: what comes out views it
    const auto began = std::chrono::steady_clock::now();
    const auto parts = split_log_line(line);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
    REQUIRE_FALSE(parts.pairs.empty());
    CHECK(parts.pairs.back().name == "y");
}
