// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/arrivals.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace dunlin::runtime::rehearsal;

namespace {

constexpr std::int64_t second = 1'000'000'000;

std::vector<std::int64_t> all(const std::vector<std::int64_t>& edges,
                              const std::vector<std::uint32_t>& counts, arrival_kind kind,
                              std::uint64_t seed = 1) {
    std::vector<std::int64_t> times;
    for (arrivals from(edges, counts, kind, second, chance(seed, 0)); from.next_ns() != never;
         from.advance())
        times.push_back(from.next_ns());
    return times;
}

}  // namespace

TEST_CASE("even arrivals are equally far apart in each period") {
    CHECK(all({0, 8, 16, 24}, {2, 0, 4}, arrival_kind::even) ==
          std::vector<std::int64_t>{2, 6, 17, 19, 21, 23});
    CHECK(all({0, 8}, {0}, arrival_kind::even).empty());
}

TEST_CASE("a burst is all calls of a second at its start") {
    // Three seconds, seven calls: 3, 2 and 2.
    CHECK(all({0, 3 * second}, {7}, arrival_kind::burst) ==
          std::vector<std::int64_t>{0, 0, 0, second, second, 2 * second, 2 * second});
    // A period below a second is one burst; one of a second and a half is two.
    CHECK(all({0, second / 2, 2 * second}, {2, 2}, arrival_kind::burst) ==
          std::vector<std::int64_t>{0, 0, second / 2, second / 2 + 3 * second / 4});
}

TEST_CASE("poisson arrivals keep the counts, their order and their seed") {
    const std::vector<std::int64_t> edges{0, 60 * second, 120 * second};
    const auto times = all(edges, {1'000, 10}, arrival_kind::poisson);
    REQUIRE(times.size() == 1'010);
    CHECK(std::is_sorted(times.begin(), times.end()));
    CHECK(times[999] <= 60 * second);
    CHECK(times[1'000] >= 60 * second);
    CHECK(times.back() <= 120 * second);
    CHECK(times == all(edges, {1'000, 10}, arrival_kind::poisson));
    CHECK(times != all(edges, {1'000, 10}, arrival_kind::poisson, 2));
}

TEST_CASE("poisson arrivals are spread as a Poisson process's") {
    constexpr std::uint32_t calls = 100'000;
    const auto times = all({0, calls * second}, {calls}, arrival_kind::poisson);
    double squares = 0;
    std::uint32_t far = 0;  // above the mean distance: exp(-1) of all
    for (std::size_t i = 1; i < times.size(); ++i) {
        const double gap = static_cast<double>(times[i] - times[i - 1]) / second;
        squares += gap * gap;
        if (gap > 1) ++far;
    }
    CHECK(squares / calls == Approx(2).epsilon(0.03));
    CHECK(static_cast<double>(far) / calls == Approx(std::exp(-1)).epsilon(0.02));
}

TEST_CASE("service times have the mean and the variation that were asked for") {
    for (const double cv : {0.0, 0.5, 1.0, 2.0}) {
        const service_times of(1e6, cv);
        chance from(7, 1);
        constexpr int draws = 400'000;
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < draws; ++i) {
            const auto drawn = static_cast<double>(of.draw(from)) / 1e6;
            sum += drawn;
            squares += drawn * drawn;
        }
        const double mean = sum / draws;
        CHECK(mean == Approx(1).epsilon(0.02));
        CHECK(std::sqrt(std::max(0.0, squares / draws - mean * mean)) ==
              Approx(cv).epsilon(0.08).margin(1e-3));
    }
}
