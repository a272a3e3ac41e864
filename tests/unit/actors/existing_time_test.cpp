// SPDX-License-Identifier: Apache-2.0
#include "actors/existing_time.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>

using dunlin::actors::existing_time;

TEST_CASE("existing time is the number of things times how long they are there") {
    constexpr std::int64_t year_ns = 365LL * 24 * 3600 * 1'000'000'000;
    const auto now = GENERATE(std::int64_t{0}, std::int64_t{1'000}, 200 * year_ns);
    existing_time time;
    CHECK(time.count() == 0);
    CHECK(time.total_ns(now) == 0);
    time.start(now);
    time.start(now + 10);
    CHECK(time.count() == 2);
    CHECK(time.total_ns(now + 30) == 50);
    time.end(1, now + 40);
    CHECK(time.total_ns(now + 40) == 70);
    CHECK(time.total_ns(now + 100) == 130);
    time.end(1, now + 100);
    CHECK(time.count() == 0);
    CHECK(time.total_ns(now + year_ns) == 130);
}

TEST_CASE("existing time is right for as many as there can be, after months") {
    constexpr std::int64_t begin = 90LL * 24 * 3600 * 1'000'000'000;
    constexpr std::size_t many = 131'072;
    existing_time time;
    for (std::size_t i = 0; i < many; ++i) time.start(begin);
    CHECK(time.total_ns(begin + 5) == 5 * static_cast<std::int64_t>(many));
    time.end(many, begin + 7);
    CHECK(time.total_ns(begin + 1'000'000) == 7 * static_cast<std::int64_t>(many));
}
