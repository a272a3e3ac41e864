// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/function_pattern.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <string_view>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

bool matches(std::string_view pattern, std::string_view function) {
    const auto parsed = function_pattern::parse(pattern);
    REQUIRE(parsed);
    return parsed->matches(function);
}

std::string complaint(std::string_view pattern) {
    const auto parsed = function_pattern::parse(pattern);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == errc::invalid_argument);
    return parsed.error().detail;
}

}  // namespace

TEST_CASE("a pattern without stars means one function") {
    CHECK(matches("text/count", "text/count"));
    CHECK_FALSE(matches("text/count", "text/counts"));
    CHECK_FALSE(matches("text/count", "text/coun"));
    CHECK_FALSE(matches("text/count", "Text/count"));
    CHECK_FALSE(matches("text/count", ""));
    // A dot is a dot.
    CHECK_FALSE(matches("a.b/c", "axb/c"));
}

TEST_CASE("a star means any run of characters") {
    CHECK(matches("*", "text/count"));
    CHECK(matches("*", ""));
    CHECK(matches("text/*", "text/count"));
    CHECK(matches("text/*", "text/"));
    CHECK_FALSE(matches("text/*", "texts/count"));
    CHECK_FALSE(matches("text/*", "text"));
    CHECK(matches("*/count", "text/count"));
    CHECK_FALSE(matches("*/count", "text/recount"));
    CHECK(matches("text*", "texts/count"));
    CHECK(matches("*nt", "text/count"));
    CHECK(matches("t*/*o*t", "text/count"));
    CHECK_FALSE(matches("t*/*o*t", "text/counts"));
    CHECK(matches("**/**", "a/b"));
    CHECK(matches("*a*a*a/b", "xaaaa/b"));
    // One that a careless matcher takes a lifetime for.
    CHECK_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*/*b*b*b*b*b*b*b*c",
                        std::string(64, 'a') + "/" + std::string(64, 'b')));
    CHECK(matches("text/*", std::string_view("text/\0\xff", 7)));
}

TEST_CASE("an exclamation mark takes away what the rest matches") {
    const auto deny = function_pattern::parse("!text/secret");
    REQUIRE(deny);
    CHECK(deny->says() == function_pattern::effect::deny);
    CHECK(deny->pattern() == "text/secret");
    CHECK(deny->matches("text/secret"));
    const auto allow = function_pattern::parse("text/secret");
    REQUIRE(allow);
    CHECK(allow->says() == function_pattern::effect::allow);
}

TEST_CASE("a pattern that no function's name can match is refused") {
    for (const auto* empty : {"", "!"}) CHECK_THAT(complaint(empty), Catch::Contains("is empty"));
    CHECK_THAT(complaint("text"), Catch::Contains("write \"text/*\""));
    CHECK_THAT(complaint("a/b/c"), Catch::Contains("more than one slash"));
    for (const auto* wrong : {"/", "text/", "/count", "Text/*", "text/a b", "text/[ab]", "text/?",
                              "!!text/*", "text\\*/a", "text/\xc3\xa9", "*x!/a", "text/a\n"})
        CHECK_THAT(complaint(wrong), Catch::Contains("is not one"));
    CHECK_THAT(complaint(std::string(65, 'a') + "/*"), Catch::Contains("is not one"));
    // It can be shown wherever errors are shown.
    CHECK_THAT(complaint("a\x1b[31m/b"), Catch::StartsWith("pattern \"a?[31m/b\" "));
    CHECK(complaint(std::string(100'000, 'x')).size() < 300);
}
