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
    const auto one = r.add("n", 0);
    const auto other = r.add("n", 0);
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
        REQUIRE(r.add("n", ms) == one);
        r.serves(one, catalog);
        got = shares(r, function, 100);
        CHECK(got[0] > 0);
    }
}

TEST_CASE("a look at the routes counts nothing as sent, and spends no probe") {
    routes r(7);
    const auto one = r.add("n", 0);
    const auto other = r.add("n", 0);
    const auto function = r.intern("t/echo");
    const std::vector<routes::served> catalog{{function, 0}};
    for (const auto node : {one, other}) {
        r.serves(node, catalog);
        // One server each, a second a call: what is sent to a node counts at once.
        r.reported(node, function, {function, 0, 1'000'000'000, 1, 0}, ms);
    }
    for (int i = 0; i < 100; ++i) CHECK(r.look(function, {}, ms) < 2);
    // Had the looks counted, both would wait; so the first two calls go to different nodes.
    const auto first = r.choose(function, {}, ms);
    r.next_turn();
    const auto second = r.choose(function, {}, ms);
    CHECK(first != second);

    // The circuit of one is open, and its pause over: the next call there is its only probe.
    for (int i = 0; i < 5; ++i) r.health().failed(one, ms);
    REQUIRE(r.health().open_count() == 1);
    constexpr auto later = 60'000 * ms;
    REQUIRE(r.health().at(one, later) == dunlin::cluster::standing::usable);
    const std::vector<std::uint32_t> not_the_other{other};
    CHECK(r.look(function, not_the_other, later) == one);
    CHECK(r.health().at(one, later) == dunlin::cluster::standing::usable);
    r.next_turn();
    CHECK(r.choose(function, not_the_other, later) == one);
    CHECK(r.health().at(one, later) == dunlin::cluster::standing::avoided);
}
