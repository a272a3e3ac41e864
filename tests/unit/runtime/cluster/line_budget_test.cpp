// SPDX-License-Identifier: Apache-2.0
#include "runtime/cluster/line_budget.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>

using dunlin::runtime::line_budget;

TEST_CASE("so many lines a minute are written and the others are counted") {
    line_budget lines(3);
    std::int64_t now_ns = 5;
    for (int i = 0; i < 3; ++i) CHECK(lines.say(now_ns).value() == 0);
    for (int i = 0; i < 20'000; ++i) CHECK_FALSE(lines.say(now_ns += 1000));
    now_ns += line_budget::window_ns;
    CHECK(lines.say(now_ns).value() == 20'000);
    CHECK(lines.say(now_ns).value() == 0);
    // A clock that goes back begins anew.
    now_ns -= 2 * line_budget::window_ns;
    for (int i = 0; i < 3; ++i) CHECK(lines.say(now_ns));
    CHECK_FALSE(lines.say(now_ns));
}
