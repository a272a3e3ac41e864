// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/bench_schedule.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

using namespace dunlin::program;
using namespace std::chrono_literals;

namespace {

std::vector<std::int64_t> starts_of(const bench_load& load, std::size_t part = 0,
                                    std::size_t parts = 1) {
    std::vector<std::int64_t> starts;
    bench_schedule schedule(load, part, parts);
    for (auto next = schedule.next(); next; next = schedule.next()) starts.push_back(next->count());
    return starts;
}

std::vector<std::int64_t> together(const bench_load& load, std::size_t parts) {
    std::vector<std::int64_t> all;
    for (std::size_t part = 0; part < parts; ++part) {
        const auto one = starts_of(load, part, parts);
        all.insert(all.end(), one.begin(), one.end());
    }
    std::sort(all.begin(), all.end());
    return all;
}

// Standard deviation of the gaps by their mean.
double gap_cv(const std::vector<std::int64_t>& starts) {
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 1; i < starts.size(); ++i) {
        const auto gap = static_cast<double>(starts[i] - starts[i - 1]);
        sum += gap;
        squares += gap * gap;
    }
    const auto count = static_cast<double>(starts.size() - 1);
    const double mean = sum / count;
    return std::sqrt(squares / count - mean * mean) / mean;
}

}  // namespace

TEST_CASE("even arrivals are equally far apart, also at a rate that does not divide a second") {
    const auto starts = starts_of({3000, 10s, bench_arrivals::even, 1});
    REQUIRE(starts.size() == 30'000);
    CHECK(starts.front() == 0);
    for (std::size_t i = 1; i < starts.size(); ++i) {
        const auto gap = starts[i] - starts[i - 1];
        CHECK((gap == 333'333 || gap == 333'334));
    }
    CHECK(starts[29'997] == 9'999'000'000);  // no rounding has added up
}

TEST_CASE("poisson arrivals keep the rate and are as far apart as independent calls") {
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
        INFO("seed " << seed);
        const auto starts = starts_of({2000, 20s, bench_arrivals::poisson, seed});
        REQUIRE(starts.size() == 40'000);
        CHECK(std::is_sorted(starts.begin(), starts.end()));
        CHECK(starts.front() >= 0);
        CHECK(starts.back() < 20'000'000'000);
        CHECK(gap_cv(starts) == Approx(1).margin(0.03));
        // Halves are as full as chance allows: within five standard deviations.
        const auto half = std::lower_bound(starts.begin(), starts.end(), 10'000'000'000);
        CHECK(half - starts.begin() == Approx(20'000).margin(500));
    }
}

TEST_CASE("the same seed gives the same starts, another one others") {
    const bench_load load{1000, 1s, bench_arrivals::poisson, 7};
    CHECK(starts_of(load) == starts_of(load));
    auto other = load;
    other.seed = 8;
    CHECK(starts_of(load) != starts_of(other));
    CHECK(starts_of(load, 0, 2) != starts_of(load, 1, 2));
}

TEST_CASE("threads that share a load offer together what one would") {
    const bench_load even{1000, 1500ms, bench_arrivals::even, 1};
    CHECK(together(even, 7) == starts_of(even));
    const auto poisson = together({1000, 10s, bench_arrivals::poisson, 1}, 7);
    CHECK(poisson.size() == 10'000);
    CHECK(gap_cv(poisson) == Approx(1).margin(0.05));
    CHECK(together({3, 1s, bench_arrivals::poisson, 1}, 8).size() == 3);
}

TEST_CASE("the highest load does not overflow and a tiny one has no calls") {
    const bench_load highest{bench_load::per_second_max, bench_load::duration_max};
    CHECK(highest.calls() == 864'000'000'000);
    bench_schedule last(highest, 0, 1);
    CHECK(last.next()->count() >= 0);
    CHECK(bench_load{10, 99ms}.calls() == 0);
    CHECK(starts_of({10, 99ms}).empty());
    CHECK(bench_load{10, 100ms}.calls() == 1);
}

TEST_CASE("calls of a trace come and last as they do when it is rehearsed") {
    using namespace dunlin::runtime::rehearsal;
    auto traced = std::make_shared<bench_trace>();
    traced->load = {"t", {0, 500'000'000, 1'000'000'000}, {{"", 1, -1, {70, 30}}}};
    traced->service.emplace(20e6, 1);
    const auto arrivals =
        GENERATE(bench_arrivals::even, bench_arrivals::poisson, bench_arrivals::burst);
    const bench_load load{1, 1s, arrivals, 9, traced};
    CHECK(load.calls() == 100);

    // As rehearse.cpp makes them for the first function of a trace.
    dunlin::runtime::rehearsal::arrivals calls(
        traced->load.edges_ns, traced->load.functions[0].counts,
        static_cast<arrival_kind>(arrivals), 1'000'000'000, chance(9, 0));
    chance lengths(9, 1);
    bench_schedule schedule(load, 0, 1);
    for (int i = 0; i < 100; ++i) {
        const auto start = schedule.next();
        REQUIRE(start);
        CHECK(start->count() == calls.next_ns());
        CHECK(schedule.service_ns() == traced->service->draw(lengths));
        calls.advance();
    }
    CHECK_FALSE(schedule.next());
    CHECK(together(load, 3) == starts_of(load));
}

TEST_CASE("a trace without service times says nothing of them") {
    auto traced = std::make_shared<bench_trace>();
    traced->load = {"t", {0, 1'000'000'000}, {{"", 1, -1, {2}}}};
    bench_schedule schedule({1, 1s, bench_arrivals::poisson, 1, traced}, 0, 1);
    CHECK(schedule.next());
    CHECK_FALSE(schedule.service_ns());
}
