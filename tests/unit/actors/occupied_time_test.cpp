// SPDX-License-Identifier: Apache-2.0
#include "actors/occupied_time.hpp"

#include "tests/support/catch.hpp"

#include <thread>
#include <vector>

using dunlin::actors::occupied_time;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t unit_ns = 1 << 16;
constexpr std::int64_t year_ns = 365LL * 24 * 3600 * 1000 * ms;

}  // namespace

TEST_CASE("occupied time counts what has ended exactly, and what runs as time passes") {
    const auto start_ns = GENERATE(std::int64_t{0}, 1000 * ms, 100 * year_ns);
    occupied_time time;
    CHECK(time.at(start_ns).busy == 0);
    CHECK(time.at(start_ns + year_ns).total_ns == 0);
    time.start(start_ns);
    time.start(start_ns + 10 * ms);
    CHECK(time.at(start_ns + 30 * ms).busy == 2);
    CHECK(time.at(start_ns + 30 * ms).total_ns == Approx(50 * ms).margin(2 * unit_ns));
    time.end(start_ns, start_ns + 40 * ms);
    CHECK(time.at(start_ns + 40 * ms).busy == 1);
    CHECK(time.at(start_ns + 60 * ms).total_ns == Approx(90 * ms).margin(unit_ns));
    time.end(start_ns + 10 * ms, start_ns + 60 * ms + 1);
    CHECK(time.at(start_ns + 60 * ms).busy == 0);
    CHECK(time.at(start_ns + 90 * ms).total_ns == 90 * ms + 1);
}

TEST_CASE("occupied time keeps up with many that hang for long") {
    constexpr std::int64_t now_ns = 40 * year_ns;
    occupied_time time;
    for (std::int64_t i = 0; i < 100'000; ++i) time.start(now_ns + i * ms);
    const auto before = time.at(now_ns + 100'000 * ms);
    const auto after = time.at(now_ns + 3'700'000 * ms);  // an hour later
    CHECK(after.busy == 100'000);
    CHECK(after.total_ns - before.total_ns ==
          Approx(100'000.0 * 3'600'000 * ms).epsilon(0.000'001));
}

TEST_CASE("occupied time of a look that is before the latest start is not negative") {
    occupied_time time;
    time.start(5000 * ms);
    CHECK(time.at(4000 * ms).total_ns == 0);
    CHECK(time.at(4000 * ms).busy == 1);
}

TEST_CASE("occupied time is kept by many threads") {
    occupied_time time;
    constexpr std::int64_t turns = 10'000;
    std::vector<std::thread> threads;
    for (std::int64_t i = 0; i < 4; ++i)
        threads.emplace_back([&time, i] {
            for (std::int64_t turn = 0; turn < turns; ++turn) {
                const auto began_ns = (turn * 7 + i) * ms;
                time.start(began_ns);
                time.end(began_ns, began_ns + 3);
            }
        });
    for (auto& each : threads) each.join();
    CHECK(time.at(1'000'000 * ms).busy == 0);
    CHECK(time.at(1'000'000 * ms).total_ns == 4 * turns * 3);
}
