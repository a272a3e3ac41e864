// SPDX-License-Identifier: Apache-2.0
#include "runtime/arrival_recording.hpp"

#include "tests/support/catch.hpp"

#include <numeric>

using namespace dunlin::runtime;

namespace {

using counts = std::vector<std::uint32_t>;

constexpr auto period = arrival_recording::period_ns;
constexpr std::int64_t begin = 5'000 * period + 17;

// Of two functions, of which the node has counted some calls before.
arrival_recording of_two(std::size_t periods = 100) {
    return {
        {"a/x", "b/y"}, std::vector<arrival_counts>{{100, 90, 1'000}, {7, 7, 0}}, periods, begin};
}

void look(arrival_recording& at, std::uint64_t first, std::uint64_t second, std::int64_t now) {
    at.look(std::vector<arrival_counts>{{first, first, 0}, {second, second, 0}}, now);
}

std::vector<counts> read(arrival_recording& from, std::size_t first = 0) {
    std::vector<counts> all;
    for (auto& each : from.read(first, begin).parts) all.push_back(each.counts);
    return all;
}

}  // namespace

TEST_CASE("a recording has what came in each period, and nothing from before it") {
    auto made = of_two();
    CHECK(made.periods() == 0);
    look(made, 101, 7, begin + period);
    look(made, 101, 10, begin + 2 * period);
    look(made, 111, 10, begin + 3 * period);
    CHECK(made.periods() == 3);
    CHECK_FALSE(made.complete());
    CHECK(read(made) == std::vector<counts>{{1, 0, 10}, {0, 3, 0}});
}

TEST_CASE("a look that comes late shares what came by the periods that it missed") {
    auto made = of_two();
    look(made, 108, 7, begin + 3 * period + period / 3);
    CHECK(read(made) == std::vector<counts>{{3, 3, 2}, {0, 0, 0}});
    // A tick that was due just then does not count twice, and the next one is in step.
    look(made, 109, 7, begin + 3 * period + period / 2 - 1);
    CHECK(made.periods() == 3);
    look(made, 110, 7, begin + 4 * period);
    CHECK(read(made) == std::vector<counts>{{3, 3, 2, 2}, {0, 0, 0, 0}});
}

TEST_CASE("what has been read is forgotten, and what was lost can be read again") {
    auto made = of_two();
    for (int i = 1; i <= 4; ++i)
        look(made, 100 + static_cast<std::uint64_t>(i), 7, begin + i * period);
    CHECK(read(made, 0)[0] == counts{1, 1, 1, 1});
    CHECK(read(made, 0)[0] == counts{1, 1, 1, 1});
    const auto rest = made.read(3, begin);
    CHECK(rest.first == 3);
    CHECK(rest.parts[0].counts == counts{1});
    CHECK(made.read(0, begin).first == 3);
    // Of what has not passed nothing is told.
    const auto none = made.read(50, begin);
    CHECK(none.first == 4);
    CHECK(none.parts[0].counts.empty());
}

TEST_CASE("how long calls took is told since the beginning") {
    auto made = of_two();
    made.look(std::vector<arrival_counts>{{110, 95, 6'000}, {7, 7, 0}}, begin + period);
    const auto told = made.read(0, begin);
    CHECK(told.parts[0].name == "a/x");
    CHECK(told.parts[0].ended == 5);
    CHECK(told.parts[0].occupied_ns == 5'000);
    CHECK(told.parts[1].ended == 0);
}

TEST_CASE("a recording ends with its last period, and what comes later is not in it") {
    auto made = of_two(2);
    look(made, 104, 7, begin + 4 * period);
    CHECK(made.complete());
    CHECK(read(made)[0] == counts{1, 1});
    look(made, 200, 7, begin + 5 * period);
    CHECK(read(made)[0] == counts{1, 1});
}

TEST_CASE("time and counts that go backwards count as standing still") {
    auto made = of_two();
    look(made, 104, 7, begin + period);
    look(made, 102, 7, begin);
    CHECK(made.periods() == 1);
    look(made, 103, 7, begin + 2 * period);
    look(made, 104, 7, begin + 3 * period);
    CHECK(read(made)[0] == counts{4, 0, 1});
}

TEST_CASE("a recording that nobody reads keeps no more than a minute, and is abandoned then") {
    auto made = of_two(recording_limits::periods_max);
    std::int64_t now = begin;
    std::uint64_t calls = 100;
    while (!made.abandoned(now)) {
        now += period;
        look(made, ++calls, 7, now);
    }
    CHECK(now == begin + 600 * period);
    for (int i = 0; i < 50; ++i) look(made, ++calls, 7, now += period);
    CHECK(made.read(0, begin).parts[0].counts.size() == recording_limits::periods_unread_max);
    // A reader keeps it.
    static_cast<void>(made.read(600, now));
    CHECK_FALSE(made.abandoned(now + 599 * period));
    CHECK(made.abandoned(now + 600 * period));
}

TEST_CASE("no recording is longer than an hour") {
    auto made = of_two(1'000'000);
    std::size_t periods = 0;
    for (std::int64_t now = begin; !made.complete(); now += 500 * period) {
        look(made, 100, 7, now);
        static_cast<void>(made.read(made.periods(), now));
        periods = made.periods();
    }
    CHECK(periods == recording_limits::periods_max);
}
