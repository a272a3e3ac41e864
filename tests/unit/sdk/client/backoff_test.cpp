// SPDX-License-Identifier: Apache-2.0
#include "client/backoff.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <set>

using dunlin::link::backoff;
using namespace std::chrono_literals;

TEST_CASE("backoff doubles up to its limit, and half of each pause is random") {
    backoff pauses(20ms, 2s, 7);
    auto ceiling = std::chrono::nanoseconds(20ms);
    std::set<std::chrono::nanoseconds> seen;
    for (int i = 0; i < 50; ++i) {
        const auto pause = pauses.next();
        CHECK(pause >= ceiling / 2);
        CHECK(pause <= ceiling);
        seen.insert(pause);
        ceiling = std::min<std::chrono::nanoseconds>(ceiling * 2, 2s);
    }
    CHECK(seen.size() > 45);
}

TEST_CASE("backoff begins with the shortest pause again after a success") {
    backoff pauses(20ms, 2s, 7);
    for (int i = 0; i < 10; ++i) (void)pauses.next();
    CHECK(pauses.next() >= 1s);
    pauses.reset();
    CHECK(pauses.next() <= 20ms);
}

TEST_CASE("backoff gives the same pauses for the same seed and others for another") {
    backoff one(20ms, 2s, 7);
    backoff same(20ms, 2s, 7);
    backoff other(20ms, 2s, 8);
    const auto first = one.next();
    CHECK(first == same.next());
    CHECK(first != other.next());
}

TEST_CASE("backoff makes sense of limits that do not") {
    backoff pauses(0ms, -5ms, 1);
    for (int i = 0; i < 5; ++i) CHECK(pauses.next() <= 1ns);
}
