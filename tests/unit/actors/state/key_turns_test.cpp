// SPDX-License-Identifier: Apache-2.0
#include "actors/key_turns.hpp"

#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

#include <array>

using namespace dunlin;
using namespace dunlin::actors;

namespace {

/// Two functions, of which only the addresses matter.
struct two_pools {
    std::array<char, 2> places{};
    [[nodiscard]] pool* first() { return reinterpret_cast<pool*>(&places[0]); }
    [[nodiscard]] pool* second() { return reinterpret_cast<pool*>(&places[1]); }
};

void wait(key_turns& turns, pool* of, std::uint32_t number, bool writes, bool alone = false) {
    turns.wait({of, {{}, number}, writes, alone});
}

std::vector<std::uint32_t> numbers(const key_grant& granted) {
    std::vector<std::uint32_t> all;
    for (const auto& each : granted.turns) all.push_back(each.index);
    return all;
}

using list = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("one that writes has a key alone") {
    key_turns turns;
    CHECK(turns.enter(true));
    CHECK(turns.held_alone());
    CHECK_FALSE(turns.enter(true));
    CHECK_FALSE(turns.enter(false));
    turns.leave();
    CHECK(turns.idle());
    CHECK(turns.enter(false));
}

TEST_CASE(
    "those that read have a key together, and wait for one that writes and came before them") {
    two_pools p;
    key_turns turns;
    CHECK(turns.enter(false));
    CHECK(turns.enter(false));
    CHECK_FALSE(turns.enter(true));
    wait(turns, p.first(), 1, true);
    CHECK_FALSE(turns.enter(false));
    wait(turns, p.second(), 2, false);
    key_grant next;
    CHECK_FALSE(turns.grant(next));
    turns.leave();
    CHECK_FALSE(turns.grant(next));
    turns.leave();
    REQUIRE(turns.grant(next));
    CHECK(next.of == p.first());
    CHECK(numbers(next) == list{1});
    key_grant after;
    CHECK_FALSE(turns.grant(after));
    turns.leave();
    REQUIRE(turns.grant(after));
    CHECK(numbers(after) == list{2});
    CHECK_FALSE(turns.held_alone());
    CHECK(turns.enter(false));
}

TEST_CASE("calls of one function that wait behind each other get the key in one go") {
    two_pools p;
    key_turns turns;
    CHECK(turns.enter(true));
    for (std::uint32_t i = 0; i < 3; ++i) wait(turns, p.first(), i, true);
    wait(turns, p.second(), 3, true);
    wait(turns, p.first(), 4, true);
    turns.leave();
    key_grant next;
    REQUIRE(turns.grant(next));
    CHECK(numbers(next) == list{0, 1, 2});
    turns.leave();
    next = {};
    REQUIRE(turns.grant(next));
    CHECK(next.of == p.second());
    CHECK(numbers(next) == list{3});
    turns.leave();
    next = {};
    REQUIRE(turns.grant(next));
    CHECK(numbers(next) == list{4});
}

TEST_CASE("those that may take long and only read get the key beside each other") {
    two_pools p;
    key_turns turns;
    CHECK(turns.enter(true));
    wait(turns, p.first(), 0, false, true);
    wait(turns, p.first(), 1, false, true);
    turns.leave();
    key_grant first;
    key_grant second;
    REQUIRE(turns.grant(first));
    REQUIRE(turns.grant(second));
    CHECK(numbers(first) == list{0});
    CHECK(numbers(second) == list{1});
}

TEST_CASE("one go has an end, and a long queue keeps its order and its memory bounded") {
    two_pools p;
    key_turns turns;
    CHECK(turns.enter(true));
    std::uint32_t in = 0;
    std::uint32_t out = 0;
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 200; ++i) wait(turns, p.first(), in++, true);
        turns.leave();
        key_grant next;
        REQUIRE(turns.grant(next));
        CHECK(next.turns.size() <= key_turns::turns_in_one_go_max);
        for (const auto& each : next.turns) CHECK(each.index == out++);
    }
    CHECK(turns.waiting() == in - out);
}

TEST_CASE("those that wait at all keys are counted together, until their turn or their end") {
    two_pools p;
    std::size_t total = 0;
    key_turns one;
    key_turns other;
    one.count_waiting_in(total);
    other.count_waiting_in(total);
    CHECK(one.enter(true));
    CHECK(other.enter(true));
    for (std::uint32_t i = 0; i < 3; ++i) wait(one, p.first(), i, true);
    wait(other, p.first(), 3, true);
    CHECK(total == 4);
    key_grant next;
    one.leave();
    REQUIRE(one.grant(next));
    CHECK(next.turns.size() == 3);
    CHECK(total == 1);
    dunlin::testing::actor_harness h;
    const auto stopped = h.bundle_of({"x"});
    (*stopped)[0].stop.request(errc::cancelled);
    other.wait({p.first(), {stopped, 0}, true});
    CHECK(total == 2);
    other.drop_stopped();
    CHECK(total == 1);
    next = {};
    other.leave();
    REQUIRE(other.grant(next));
    CHECK(total == 0);
}
