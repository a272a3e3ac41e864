// SPDX-License-Identifier: Apache-2.0
#include "runtime/said_once.hpp"

#include "tests/support/catch.hpp"

#include <string>

using dunlin::runtime::said_once;

namespace {

constexpr std::int64_t minute_ns = said_once::say_again_ns;

}  // namespace

TEST_CASE("a thing is said once, and once a minute with how often it went unsaid") {
    said_once said;
    CHECK(said.due("a", 0) == 0);
    CHECK_FALSE(said.due("a", 1));
    CHECK_FALSE(said.due("a", minute_ns - 1));
    CHECK(said.due("b", minute_ns - 1) == 0);
    CHECK(said.due("a", minute_ns) == 2);
    CHECK_FALSE(said.due("a", minute_ns + 1));
    CHECK(said.due("a", 3 * minute_ns) == 1);
    CHECK(said.due("a", 9 * minute_ns) == 0);  // nothing went unsaid
}

TEST_CASE("of very many things the rest is one thing") {
    said_once said;
    int lines = 0;
    for (int i = 0; i < 10'000; ++i) lines += said.due(std::to_string(i), 5) ? 1 : 0;
    CHECK(lines == static_cast<int>(said_once::entries_max) + 1);
    CHECK(said.due("new", 5 + minute_ns) == 10'000 - lines);
    CHECK_FALSE(said.due("newer", 6 + minute_ns));
}
