// SPDX-License-Identifier: Apache-2.0
//
// Calls that nodes refuse: where they go next, how often, and what they are told.
#include "attempts_fixture.hpp"
#include "client/attempts.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>
#include <set>

using namespace dunlin;
using namespace dunlin::tests;

TEST_CASE_METHOD(attempts_fixture, "a call that two nodes refuse goes to the third at once") {
    connect_all(3);
    call& open = start("t/once", 1);
    const auto full = failure_of(errc::overloaded, true, 50'000);
    CHECK_FALSE(fail(open, full));
    auto& second = at(open);
    CHECK_FALSE(fail(open, full));
    CHECK(open.on != &node(1));
    CHECK(open.on != &second);
    CHECK(tries.retries() == 2);
    // The next ones do not try the two again, until their time has passed, and a half more of it.
    CHECK(picked("t/once") == std::set<std::uint64_t>{open.on->instance});
    now += 75ms;
    CHECK(picked("t/once").size() > 1);
}

TEST_CASE_METHOD(attempts_fixture, "a refusal is one of the function, unless the node means all") {
    connect_all(2);
    auto failure = failure_of(errc::overloaded, true, 50'000);
    const std::set<std::uint64_t> both{1, 2};
    const std::set<std::uint64_t> other{2};
    SECTION("of the function") {
        CHECK_FALSE(fail(start("t/once", 1), failure));
        CHECK(picked("t/once") == other);
        CHECK(picked("t/again") == both);
    }
    SECTION("of all") {
        failure.whole_node = true;
        CHECK_FALSE(fail(start("t/once", 1), failure));
        CHECK(picked("t/once") == other);
        CHECK(picked("t/again") == other);
    }
}

TEST_CASE_METHOD(attempts_fixture, "a refused call does not go on when another node is too late") {
    connect_all(3);
    call& open = start("t/once", 1);
    const auto full = failure_of(errc::overloaded, true, 1500);
    SECTION("the way there and back took as long as is left") {
        now += 5s;
        const auto end = fail(open, full);
        REQUIRE(end);
        CHECK(end->retry_after_us >= 1500);
        CHECK(tries.retries() == 0);
    }
    SECTION("there is a little more left") {
        now += 4s;
        CHECK_FALSE(fail(open, full));
    }
}

TEST_CASE_METHOD(attempts_fixture, "a copy goes to no node that has refused the function") {
    connect_all(2);
    call& refused = start("t/again", 2);
    CHECK_FALSE(fail(refused, failure_of(errc::overloaded, true, 1'000'000)));
    auto& hedging = fleet.paths().hedging(fleet.paths().find("t/again"), ns(now));
    for (int i = 0; i < 200; ++i) {
        hedging.called();
        hedging.answered(5'000'000);
    }
    static_cast<void>(start("t/again", 1, copies::wanted));
    now += 20ms;
    tries.send_copies(now);
    CHECK(tries.hedges() == 0);
}

TEST_CASE("clients that flood nodes that are all full make no storm of retries") {
    constexpr int clients = 4;
    constexpr int rounds = 3000;
    constexpr auto step = 1ms;
    std::uint64_t retries = 0;
    for (int i = 0; i < clients; ++i) {
        attempts_fixture c;
        c.connect_all(3);
        for (int round = 0; round < rounds; ++round) {
            auto& open = c.start("t/once");
            // To each node once at most: this ends.
            int sent = 1;
            while (!c.fail(open, failure_of(errc::overloaded, true, 20'000))) ++sent;
            CHECK(sent <= 3);
            c.book.fail(open);
            c.book.delivered(open);
            c.book.recycle();
            c.flush();
            c.now += step;
        }
        retries += c.tries.retries();
        // A pause of 20 ms or more ends at each node some 150 times at most.
        CHECK(c.tries.retries() <= 3u * rounds / 20);
    }
    CHECK(retries <= std::uint64_t{clients} * rounds / 6);
}

TEST_CASE("what was refused at one moment is told different times to come back") {
    std::set<std::uint64_t> hints;
    for (std::uint64_t origin = 1; origin <= 20; ++origin) {
        attempts_fixture c;
        attempts tries(c.book, c.fleet, origin, c.now);
        c.connect_all(1);
        call& open = c.book.open("t/once", 10s);
        open.on = &c.node(1);
        c.fleet.appended(c.node(1), c.book.window());
        const auto end =
            tries.failed(open, c.node(1), failure_of(errc::overloaded, true, 1'000'000), c.now);
        REQUIRE(end);
        CHECK(end->retry_after_us >= 1'000'000);
        CHECK(end->retry_after_us <= 1'500'000);
        hints.insert(end->retry_after_us / 50'000);
    }
    CHECK(hints.size() >= 5);
}
