// SPDX-License-Identifier: Apache-2.0
#include "actors/admission_limit.hpp"

#include "actors/standing_queue.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <vector>

using namespace dunlin::actors;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;

}  // namespace

TEST_CASE("a call is admitted if its wait takes at most half of what its service leaves") {
    admission_limit limit;
    const auto at = [&](std::int64_t wait_ns) {
        return limit.decide({.wait_ns = wait_ns, .service_ns = 20 * ms, .left_ns = 100 * ms});
    };
    CHECK(at(40 * ms).admitted);
    CHECK(at(40 * ms).reason == admission_reason::in_time);
    const auto refused = at(41 * ms);
    CHECK_FALSE(refused.admitted);
    CHECK(refused.reason == admission_reason::too_late);
    CHECK(refused.wait_ns == 41 * ms);
    CHECK(refused.limit_ns == 40 * ms);
    CHECK(refused.retry_after_ns > 0);
}

TEST_CASE("a call that takes longer than it has is refused, whatever the queue") {
    admission_limit limit;
    const auto decision = limit.decide({.service_ns = 20 * ms, .left_ns = 10 * ms});
    CHECK_FALSE(decision.admitted);
    CHECK(decision.reason == admission_reason::no_time);
    CHECK(limit.decide({.left_ns = -1}).reason == admission_reason::no_time);
    CHECK(limit.decide({.service_ns = 20 * ms, .left_ns = 20 * ms}).admitted);
}

TEST_CASE("a call without a deadline is admitted while there is room") {
    admission_limit limit;
    const auto decision = limit.decide({.wait_ns = 3'600 * second, .stands = true});
    CHECK(decision.admitted);
    CHECK(decision.reason == admission_reason::unlimited);
    const auto full = limit.full({.wait_ns = 3'600 * second});
    CHECK_FALSE(full.admitted);
    CHECK(full.reason == admission_reason::full);
    CHECK(full.retry_after_ns <= admission_limit::retry_max_ns);
}

TEST_CASE("in a queue that stands a call waits for a tenth of its time, or the target") {
    admission_limit limit(5 * ms);
    const auto at = [&](std::int64_t wait_ns, std::int64_t left_ns) {
        return limit.decide(
            {.wait_ns = wait_ns, .service_ns = ms, .left_ns = left_ns, .stands = true});
    };
    CHECK(at(500 * ms, 5 * second).admitted);
    CHECK(at(501 * ms, 5 * second).reason == admission_reason::stands);
    CHECK(at(5 * ms, 20 * ms).admitted);
    CHECK(at(6 * ms, 20 * ms).reason == admission_reason::stands);
    // Never longer than when it does not stand.
    CHECK(at(3 * ms, 5 * ms).reason == admission_reason::too_late);
    CHECK(at(2 * ms, 5 * ms).admitted);
}

TEST_CASE("those who are refused together do not come back together") {
    admission_limit limit;
    std::vector<std::int64_t> back;
    for (int i = 0; i < 1'000; ++i) {
        const auto refused = limit.decide(
            {.wait_ns = 600 * ms, .service_ns = ms, .left_ns = 5 * second, .stands = true});
        REQUIRE_FALSE(refused.admitted);
        CHECK(refused.retry_after_ns >= 100 * ms);
        CHECK(refused.retry_after_ns <= 700 * ms);
        back.push_back(refused.retry_after_ns);
    }
    // In each tenth of the 600 ms about a tenth of them, also of those in a row.
    for (std::size_t from = 0; from < 1'000; from += 100)
        for (std::int64_t part = 0; part < 10; ++part) {
            const auto begin = back.begin() + static_cast<std::ptrdiff_t>(from);
            const auto in = std::count_if(begin, begin + 100, [&](std::int64_t at) {
                return (at - 100 * ms) / (60 * ms) == part;
            });
            CHECK(in >= 8);
            CHECK(in <= 12);
        }
}

TEST_CASE("a wait is predicted from those ahead, their time, and the servers") {
    CHECK(predicted_wait_ns(0, 4 * ms, 4) == ms);
    CHECK(predicted_wait_ns(99, ms, 2) == 50 * ms);
    CHECK(predicted_wait_ns(99, 0, 2) == 0);
    CHECK(predicted_wait_ns(~std::uint64_t{0}, 3'600 * second, 1) > 3'600 * second);
}

TEST_CASE("a queue stands when for an interval nothing left it quickly") {
    const standing_rule rule{.target_ns = 5 * ms, .interval_ns = 100 * ms};
    standing_queue queue;
    for (std::int64_t now = 0; now < 100; ++now) queue.left(now * ms, 6 * ms, rule);
    CHECK_FALSE(queue.stands());
    queue.left(100 * ms, 6 * ms, rule);
    CHECK(queue.stands());
    queue.left(101 * ms, 2 * ms, rule);  // below the target, above a quarter of it
    CHECK(queue.stands());
    queue.left(102 * ms, ms, rule);
    CHECK_FALSE(queue.stands());

    // One short wait starts the interval anew.
    for (std::int64_t now = 200; now < 290; ++now) queue.left(now * ms, 6 * ms, rule);
    queue.left(290 * ms, 4 * ms, rule);
    for (std::int64_t now = 291; now < 391; ++now) queue.left(now * ms, 6 * ms, rule);
    CHECK_FALSE(queue.stands());
    queue.left(391 * ms, 6 * ms, rule);
    CHECK(queue.stands());
    queue.emptied();
    CHECK_FALSE(queue.stands());
}

TEST_CASE("a clock that jumps back delays the signal by an interval at most") {
    const standing_rule rule{.target_ns = 5 * ms, .interval_ns = 100 * ms};
    standing_queue queue;
    queue.left(3'600 * second, 6 * ms, rule);
    queue.left(second, 6 * ms, rule);
    CHECK_FALSE(queue.stands());
    queue.left(second + 100 * ms, 6 * ms, rule);
    CHECK(queue.stands());
}
