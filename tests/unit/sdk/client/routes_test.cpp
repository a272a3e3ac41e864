// SPDX-License-Identifier: Apache-2.0
#include "client/routes.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <cstdint>
#include <set>
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

TEST_CASE("a node that refuses a function is passed over for it alone, until its time is over") {
    routes r(7);
    const auto one = r.add("n1", 0);
    const auto other = r.add("n2", 0);
    const auto flooded = r.intern("t/flooded");
    const auto quiet = r.intern("t/quiet");
    for (const auto node : {one, other})
        r.serves(node, std::vector<routes::served>{{flooded, 0}, {quiet, 0}});
    r.refused(one, flooded, routes::refusal::of_function, 20 * ms, ms);
    CHECK(shares(r, flooded, 100) == std::array<int, 2>{0, 100});
    CHECK(shares(r, quiet, 100)[0] > 0);
    CHECK(r.look_for_room(flooded, {}, ms) == other);
    const std::vector<std::uint32_t> tried{other};
    CHECK(r.look(flooded, tried, ms) == one);
    CHECK(r.look_for_room(flooded, tried, ms) == routes::none);
    CHECK(r.look_for_room(flooded, tried, 20 * ms) == routes::none);
    CHECK(r.look_for_room(flooded, tried, 31 * ms) == one);

    SECTION("both refuse: a first attempt goes somewhere, a second one nowhere") {
        r.refused(other, flooded, routes::refusal::of_function, 20 * ms, ms);
        CHECK(r.choose(flooded, {}, ms) != routes::none);
        CHECK(r.look_for_room(flooded, {}, ms) == routes::none);
        CHECK(r.look_for_room(quiet, {}, ms) != routes::none);
    }
    SECTION("the node means all calls") {
        r.refused(one, flooded, routes::refusal::of_node, 20 * ms, ms);
        CHECK(shares(r, quiet, 100) == std::array<int, 2>{0, 100});
    }
    SECTION("another node takes its place") {
        r.remove(one);
        REQUIRE(r.add("n3", ms) == one);
        r.serves(one, std::vector<routes::served>{{flooded, 0}});
        CHECK(r.look_for_room(flooded, tried, ms) == one);
    }
    SECTION("a name that nobody serves") {
        r.refused(one, routes::none, routes::refusal::of_function, 20 * ms, ms);
        std::set<std::uint32_t> found;
        for (int i = 0; i < 100; ++i) found.insert(r.look(routes::none, {}, ms));
        CHECK(found.size() == 2);
    }
}

TEST_CASE("calls that follow a choice do not follow it to a node that has refused since") {
    routes r(7);
    const auto one = r.add("n1", 0);
    const auto other = r.add("n2", 0);
    const auto function = r.intern("t/echo");
    for (const auto node : {one, other}) r.serves(node, std::vector<routes::served>{{function, 0}});
    const auto what = GENERATE(routes::refusal::of_function, routes::refusal::of_node);
    const auto first = r.choose(function, {}, ms);
    REQUIRE(r.choose(function, {}, ms) == first);
    r.refused(first, function, what, 20 * ms, ms);
    CHECK(r.choose(function, {}, ms) == (first == one ? other : one));
}

TEST_CASE("calls of one key keep their way past a node that refuses, for it passes most on") {
    routes r(7);
    const auto function = r.intern("t/echo");
    for (const auto* name : {"n1", "n2", "n3"})
        r.serves(r.add(name, 0), std::vector<routes::served>{{function, 0}});
    const auto way = r.look_steady(5, function, {}, ms);
    r.refused(way, function, routes::refusal::of_function, 20 * ms, ms);
    CHECK(r.look_steady(5, function, {}, ms) == way);
    r.refused(way, function, routes::refusal::of_node, 20 * ms, ms);
    CHECK(r.look_steady(5, function, {}, ms) != way);
}
