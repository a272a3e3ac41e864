// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"

#include <dunlin/detail/callback.hpp>

#include <array>
#include <memory>
#include <string>
#include <type_traits>

using dunlin::bytes;
using dunlin::result;
using dunlin::detail::callback;

static_assert(std::is_nothrow_move_constructible_v<callback>);
static_assert(!std::is_copy_constructible_v<callback>);
static_assert(sizeof(callback) <= 72);

TEST_CASE("callback hands the answer to what it holds") {
    std::string got;
    callback hold([&](result<bytes>&& answer) { got = dunlin::as_text(*answer); });
    REQUIRE(hold);
    hold(bytes("hi"));
    CHECK(got == "hi");
    CHECK_FALSE(callback());
}

TEST_CASE("callback moves and destroys what it holds, small or large") {
    const auto alive = std::make_shared<int>(0);
    const auto check = [&](callback first) {
        const auto others = alive.use_count() - 1;
        callback second(std::move(first));
        CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): that it is empty is the point
        callback third;
        third = std::move(second);
        CHECK(alive.use_count() == others + 1);
        third(bytes());
        CHECK(*alive != 0);
        third.reset();
        CHECK(alive.use_count() == others);
        third.reset();
    };
    const auto small = [alive](result<bytes>&&) { *alive += 1; };
    const auto large = [alive, padding = std::array<char, 200>{}](result<bytes>&&) {
        *alive += 1 + padding[0];
    };
    static_assert(callback::fits<decltype(small)>);
    static_assert(!callback::fits<decltype(large)>);
    check(small);
    *alive = 0;
    check(large);
    {
        const callback never_called(small);
        CHECK(alive.use_count() == 4);  // the two lambdas hold it too
    }
}
