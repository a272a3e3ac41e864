// SPDX-License-Identifier: Apache-2.0
#include "cluster/retry_budget.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>
#include <limits>

using namespace dunlin::cluster;

namespace {

constexpr std::int64_t second = 1'000'000'000;

int drain(retry_budget& budget, std::int64_t now_ns) {
    int taken = 0;
    while (budget.may_retry(now_ns)) ++taken;
    return taken;
}

}  // namespace

TEST_CASE("retry budget lets a new caller retry a hundred times and no more") {
    retry_budget budget(0);
    CHECK(drain(budget, 0) == 100);
    CHECK_FALSE(budget.may_retry(0));
}

TEST_CASE("retry budget allows a sixth of the calls") {
    retry_budget budget(0);
    drain(budget, 0);
    for (int i = 0; i < 6'000; ++i) budget.called();
    CHECK(drain(budget, 0) == 1'002);
}

TEST_CASE("retry budget stays below a sixth more load when every call fails, however long") {
    retry_budget budget(0);
    drain(budget, 0);
    std::int64_t now = 0;
    int retries = 0;
    constexpr int calls = 200'000;
    for (int i = 0; i < calls; ++i) {
        now += second / 10'000;
        budget.called();
        while (budget.may_retry(now)) ++retries;
    }
    const int floor = 10 * calls / 10'000;
    CHECK(retries <= calls / 6 + floor + 100);
    CHECK(retries >= calls / 7);
}

TEST_CASE("retry budget grants ten a second to a caller that never calls") {
    retry_budget budget(0);
    drain(budget, 0);
    CHECK(drain(budget, second / 20) == 0);
    const auto first = drain(budget, second);
    CHECK(first >= 9);
    CHECK(first <= 10);
    int taken = 0;
    for (int i = 1; i <= 1'000; ++i) taken += drain(budget, second + i * second / 100);
    CHECK(taken >= 95);
    CHECK(taken <= 101);
}

TEST_CASE("retry budget is bounded, and what is unused is forgotten") {
    retry_budget budget(0);
    for (int i = 0; i < 1'000'000; ++i) budget.called();
    CHECK(budget.left(0) == 10'000);
    CHECK(budget.left(10 * second) == Approx(5'100).margin(10));
    CHECK(budget.left(10'000 * second) <= 10'000);
}

TEST_CASE("retry budget neither pays nor costs when the clock stands still or jumps") {
    retry_budget budget(5 * second);
    drain(budget, 5 * second);
    for (int i = 0; i < 100; ++i) CHECK_FALSE(budget.may_retry(5 * second));
    CHECK_FALSE(budget.may_retry(0));
    CHECK_FALSE(budget.may_retry(std::numeric_limits<std::int64_t>::min()));
    CHECK(budget.may_retry(6 * second));
    CHECK(budget.left(std::numeric_limits<std::int64_t>::max()) <= 10'000);
    retry_budget from_the_beginning(std::numeric_limits<std::int64_t>::min());
    CHECK(from_the_beginning.left(std::numeric_limits<std::int64_t>::max()) <= 10'000);
}

TEST_CASE("retry budget gathers tiny steps of time") {
    retry_budget budget(0);
    drain(budget, 0);
    int taken = 0;
    for (std::int64_t now = 0; now <= 2 * second; now += 10'000) taken += budget.may_retry(now);
    CHECK(taken >= 19);
    CHECK(taken <= 20);
}
