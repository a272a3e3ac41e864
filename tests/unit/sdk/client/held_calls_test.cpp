// SPDX-License-Identifier: Apache-2.0
#include "client/held_calls.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>

using dunlin::link::held_calls;

TEST_CASE("held calls leave in the order they came") {
    held_calls held;
    for (std::uint64_t id = 1; id <= 100; ++id)
        held.push(id, id, [](std::uint64_t) { return true; });
    CHECK(held.size() == 100);
    for (std::uint64_t id = 1; id <= 100; ++id) REQUIRE(held.pop() == id);
    CHECK(held.empty());
}

TEST_CASE("what is kept of calls that have ended while they waited is bounded") {
    constexpr std::size_t in_flight = 10;
    held_calls held;
    std::size_t most = 0;
    for (std::uint64_t id = 1; id <= 100'000; ++id) {
        // Only the latest few still wait: the others have met their deadlines.
        held.push(id, in_flight, [id](std::uint64_t each) { return each + in_flight > id; });
        most = std::max(most, held.size());
    }
    CHECK(most <= 2 * in_flight + held_calls::ended_min);
    std::size_t waiting = 0;
    while (!held.empty()) waiting += held.pop() + in_flight > 100'000 ? 1 : 0;
    CHECK(waiting == in_flight);
}
