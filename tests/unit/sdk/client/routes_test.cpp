// SPDX-License-Identifier: Apache-2.0
#include "client/routes.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <cstdint>
#include <vector>

using dunlin::link::routes;

namespace {

constexpr std::int64_t ms = 1'000'000;

// How many of `calls` calls each of two nodes gets, each call in a turn of its own.
std::array<int, 2> shares(routes& r, std::uint32_t function, int calls) {
    std::array<int, 2> got{};
    for (int i = 0; i < calls; ++i) {
        const auto to = r.choose(function, {}, ms);
        REQUIRE(to < 2);
        ++got[to];
        r.next_turn();
    }
    return got;
}

}  // namespace

TEST_CASE("routes pass over a node that is late, unless there is no other") {
    routes r(7);
    const auto one = r.add(0);
    const auto other = r.add(0);
    const auto function = r.intern("t/echo");
    const std::vector<routes::served> catalog{{function, 0}};
    r.serves(one, catalog);
    r.serves(other, catalog);

    auto got = shares(r, function, 100);
    CHECK(got[0] > 0);
    CHECK(got[1] > 0);
    r.set_late(one, true);
    CHECK(shares(r, function, 100) == std::array<int, 2>{0, 100});
    r.set_open(other, false);
    CHECK(shares(r, function, 100) == std::array<int, 2>{100, 0});
    r.set_open(other, true);
    r.set_late(one, false);
    got = shares(r, function, 100);
    CHECK(got[0] > 0);
    CHECK(got[1] > 0);
    SECTION("whoever takes the place of a late node is not late") {
        r.set_late(one, true);
        r.remove(one);
        REQUIRE(r.add(ms) == one);
        r.serves(one, catalog);
        got = shares(r, function, 100);
        CHECK(got[0] > 0);
    }
}
