// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_scroll.hpp"

#include "runtime/program/top_view.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <utility>

using namespace dunlin::program;

namespace {

top_model with_functions(int count) {
    top_model model;
    for (int i = 0; i < count; ++i) {
        top_function one;
        one.name = (i % 2 == 0 ? "text/f" : "bench/f") + std::to_string(i);
        one.calls = i < count / 2 ? 1 : 0;
        model.functions.push_back(std::move(one));
    }
    return model;
}

}  // namespace

TEST_CASE("top's functions are moved through by keys, and never out of sight") {
    top_scroll scroll;
    const auto above = [&](std::string_view keys) {
        CHECK_FALSE(scroll.press(keys));
        return scroll.apply(with_functions(20)).functions_above;
    };
    CHECK(above("") == 0);
    CHECK(above("k") == 0);
    CHECK(above("jj") == 2);
    CHECK(above("\x1b[B\x1bOB") == 4);
    CHECK(above("\x1b[A") == 3);
    CHECK(above("\x1b[6~") == 13);
    CHECK(above("\x1b[5~") == 3);
    CHECK(above("x\x1b[") == 3);
    CHECK(above("   ") == 19);
    CHECK(above("g") == 0);
    CHECK(scroll.press("jq"));
    CHECK(scroll.apply({}).functions_above == 0);
}

TEST_CASE("top shows the functions that are asked for") {
    top_scroll scroll("text/");
    CHECK(scroll.apply(with_functions(20)).functions.size() == 10);
    CHECK_FALSE(scroll.press("i"));
    const auto busy = scroll.apply(with_functions(20));
    CHECK(busy.functions.size() == 5);
    for (const auto& each : busy.functions) CHECK(each.name.starts_with("text/"));
    CHECK_FALSE(scroll.press("i"));
    CHECK(scroll.apply(with_functions(20)).functions.size() == 10);
}

TEST_CASE("top says how many functions are scrolled past") {
    top_scroll scroll;
    CHECK_FALSE(scroll.press("jjj"));
    const auto text = top_text(scroll.apply(with_functions(20)), {80, 12});
    CHECK_THAT(text, Catch::Contains("FUNCTION (3 above)  CALLS/S"));
    CHECK(text.find("text/f2 ") == std::string::npos);
    CHECK_THAT(text, Catch::Contains("\nbench/f3 "));
    CHECK_THAT(text, Catch::Contains(" more\n"));
}
