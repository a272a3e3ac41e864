// SPDX-License-Identifier: Apache-2.0
#include "actors/fair_jobs.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <map>
#include <random>
#include <vector>

using namespace dunlin::actors;

namespace {

constexpr std::int64_t us = 1000;
constexpr std::int64_t debt_ns_max = 6400 * us;

/// Names jobs by numbers; nobody runs them.
std::array<char, std::size_t{1} << 18>& places() {
    static std::array<char, std::size_t{1} << 18> all{};
    return all;
}
caf::resumable* numbered(std::size_t number) {
    return reinterpret_cast<caf::resumable*>(&places().at(number));
}
std::size_t number_of(const caf::resumable* job) {
    return static_cast<std::size_t>(reinterpret_cast<const char*>(job) - places().data());
}

/// Functions that always have a job ready, each of its own length.
struct contest {
    struct function {
        std::int64_t job_ns;
        std::uint32_t share;
        std::int64_t used_ns = 0;
    };
    std::vector<function> functions;
    fair_jobs jobs{debt_ns_max};

    void run(std::int64_t for_ns) {
        for (auto& each : functions) jobs.push(numbered(1), &each, each.share);
        for (std::int64_t now = 0; now < for_ns;) {
            const auto next = jobs.pop();
            auto& of = functions[next.of];
            of.used_ns += of.job_ns;
            now += of.job_ns;
            jobs.charge(next.of, of.job_ns);
            jobs.push_again(next);
        }
    }
    double part(std::size_t which) const {
        double all = 0;
        for (const auto& each : functions) all += static_cast<double>(each.used_ns);
        return static_cast<double>(functions[which].used_ns) / all;
    }
};

}  // namespace

TEST_CASE("jobs of one function run in order") {
    fair_jobs jobs(debt_ns_max);
    const int function = 0;
    for (std::size_t i = 1; i <= 100; ++i) jobs.push(numbered(i), &function);
    CHECK(jobs.size() == 100);
    for (std::size_t i = 1; i <= 100; ++i) {
        const auto next = jobs.pop();
        CHECK(number_of(next.what) == i);
        jobs.charge(next.of, 1000 * us);
    }
    CHECK(jobs.empty());
}

TEST_CASE("one that comes now and then waits for a job of the others, not for all they have") {
    fair_jobs jobs(debt_ns_max);
    const int flood = 0;
    const int rare = 0;
    for (int i = 0; i < 10'000; ++i) jobs.push(numbered(1), &flood);
    for (int i = 0; i < 50; ++i) {
        jobs.push(numbered(2), &rare);
        std::int64_t waited_ns = 0;
        for (;;) {
            const auto next = jobs.pop();
            if (number_of(next.what) == 2) break;
            jobs.charge(next.of, 10 * us);
            waited_ns += 10 * us;
        }
        CHECK(waited_ns <= 20 * us);
    }
}

TEST_CASE("functions use time in proportion to their shares, however long their jobs are") {
    contest equal{{{10 * us, 8}, {500 * us, 8}, {2000 * us, 8}}};
    equal.run(10'000'000 * us);
    for (std::size_t i = 0; i < 3; ++i) CHECK(equal.part(i) == Approx(1.0 / 3).epsilon(0.05));
    contest weighted{{{20 * us, 8}, {70 * us, 16}, {50 * us, 40}}};
    weighted.run(10'000'000 * us);
    CHECK(weighted.part(0) == Approx(8.0 / 64).epsilon(0.05));
    CHECK(weighted.part(1) == Approx(16.0 / 64).epsilon(0.05));
    CHECK(weighted.part(2) == Approx(40.0 / 64).epsilon(0.05));
}

TEST_CASE("the largest share keeps nobody from his first job") {
    fair_jobs jobs(debt_ns_max);
    const std::array<int, 2> functions{};
    constexpr std::uint32_t largest = 1000 * 8 * fair_jobs::usual_share;
    for (int i = 0; i < 1000; ++i) jobs.push(numbered(1), &functions[0], largest);
    for (int i = 0; i < 500; ++i) {
        const auto next = jobs.pop();
        jobs.charge(next.of, 1000 * us);
    }
    jobs.push(numbered(2), &functions[1], 1);
    const auto first = jobs.pop();
    jobs.charge(first.of, 1000 * us);
    const auto second = jobs.pop();
    CHECK((number_of(first.what) == 2 || number_of(second.what) == 2));
}

TEST_CASE("a job that held its thread for a day does not keep its function out for long") {
    fair_jobs jobs(debt_ns_max);
    const std::array<int, 2> functions{};
    jobs.push(numbered(1), &functions[0]);
    const auto hung = jobs.pop();
    jobs.push(numbered(2), &functions[1]);
    jobs.charge(hung.of, 86'400'000'000 * us);
    jobs.push_again(hung);
    std::int64_t others_ns = 0;
    for (;;) {
        const auto next = jobs.pop();
        if (next.of == hung.of) break;
        others_ns += 50 * us;
        jobs.charge(next.of, 50 * us);
        jobs.push_again(next);
    }
    CHECK(others_ns <= debt_ns_max + 100 * us);
}

TEST_CASE("whatever comes in whatever order is taken once") {
    std::mt19937_64 random(11);
    fair_jobs jobs(debt_ns_max);
    std::array<int, 20> functions{};
    std::map<std::size_t, int> open;
    std::size_t made = 0;
    for (int step = 0; step < 200'000; ++step) {
        if (random() % 2 == 0 || jobs.empty()) {
            ++open[++made];
            jobs.push(numbered(made), &functions[random() % functions.size()],
                      1 + static_cast<std::uint32_t>(random() % 64));
        } else {
            const auto next = jobs.pop();
            REQUIRE(--open[number_of(next.what)] == 0);
            open.erase(number_of(next.what));
            jobs.charge(next.of, static_cast<std::int64_t>(random() % (300 * us)));
        }
        REQUIRE(jobs.size() == open.size());
    }
}

TEST_CASE("what a crowd of jobs took is given back when none is left") {
    fair_jobs jobs(debt_ns_max);
    constexpr std::size_t crowd = 100'000;
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < crowd; ++i) jobs.push(numbered(i), &jobs);
        CHECK(jobs.places() >= crowd);
        for (std::size_t i = 0; i < crowd; ++i) REQUIRE(number_of(jobs.pop().what) == i);
        CHECK(jobs.places() < crowd / 10);
    }
}
