// SPDX-License-Identifier: Apache-2.0
#include "cluster/refusal_pause.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

using dunlin::cluster::random_source;
using dunlin::cluster::refusal_pause;
using dunlin::cluster::with_jitter;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t start = 1'000 * ms;

// When a pause that begins at `start` is over.
std::int64_t length_ms(const refusal_pause& pause) {
    std::int64_t passed = 0;
    while (!pause.over(start + passed * ms)) ++passed;
    return passed;
}

}  // namespace

TEST_CASE("a pause lasts what was asked for, and up to a half more") {
    random_source random(7);
    const auto [asked_ns, least_ms, most_ms] =
        GENERATE(table<std::int64_t, std::int64_t, std::int64_t>({
            {20 * ms, 20, 30},
            {0, 10, 15},  // without a hint
            {-5, 10, 15},
            {std::numeric_limits<std::int64_t>::max(), 5'000, 7'500},
        }));
    refusal_pause pause;
    CHECK(pause.over(start));
    pause.refused(asked_ns, start, random);
    CHECK(length_ms(pause) >= least_ms);
    CHECK(length_ms(pause) <= most_ms);
}

TEST_CASE("a shorter pause does not shorten one that is under way, and a longer one counts") {
    random_source random(7);
    refusal_pause pause;
    pause.refused(20 * ms, start, random);
    const auto first = length_ms(pause);
    pause.refused(5 * ms, start, random);
    CHECK(length_ms(pause) == first);
    pause.refused(40 * ms, start, random);
    CHECK(length_ms(pause) >= 40);
    CHECK(length_ms(pause) <= 60);
}

TEST_CASE("callers that are refused together, a thousand times each, return spread over the half") {
    std::array<int, 10> returned{};
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        random_source random(seed);
        refusal_pause pause;
        for (int i = 0; i < 1'000; ++i) pause.refused(1'000 * ms, start, random);
        const auto length = length_ms(pause);
        CHECK(length >= 1'000);
        CHECK(length <= 1'500);
        ++returned[static_cast<std::size_t>(std::min<std::int64_t>((length - 1'000) / 50, 9))];
    }
    // 20 in each tenth, more or less; together they would be 200 in one.
    CHECK(*std::max_element(returned.begin(), returned.end()) <= 40);
    CHECK(*std::min_element(returned.begin(), returned.end()) >= 5);
}

TEST_CASE("each pause of a caller has a share of its own") {
    random_source random(7);
    refusal_pause pause;
    std::int64_t least = 1'000;
    std::int64_t most = 0;
    for (std::int64_t i = 0; i < 20; ++i) {
        refusal_pause next = pause;
        const auto begin = start + i * 1'000 * ms;
        next.refused(100 * ms, begin, random);
        std::int64_t passed = 0;
        while (!next.over(begin + passed * ms)) ++passed;
        least = std::min(least, passed);
        most = std::max(most, passed);
    }
    CHECK(most - least >= 20);
}

TEST_CASE("pauses and jitter at the ends of time stay in range") {
    random_source random(7);
    constexpr auto end = std::numeric_limits<std::int64_t>::max();
    refusal_pause pause;
    pause.refused(end, end - 5, random);
    CHECK_FALSE(pause.over(end - 1));
    CHECK(pause.over(end));
    CHECK(with_jitter(0, random) == 0);
    CHECK(with_jitter(1, random) == 1);
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(with_jitter(most, random) == most);
}
