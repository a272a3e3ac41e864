// SPDX-License-Identifier: Apache-2.0
#include "cluster/peer_health.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

using namespace dunlin::cluster;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;
constexpr std::int64_t start = 1'000 * second;

void fail(peer_health& health, std::size_t peer, int times, std::int64_t now_ns) {
    for (int i = 0; i < times; ++i) health.failed(peer, now_ns);
}

/// How long the peer is avoided from `now_ns` on, to the millisecond.
std::int64_t avoided_ms(const peer_health& health, std::size_t peer, std::int64_t now_ns) {
    std::int64_t passed = 0;
    while (passed < 100'000 && health.at(peer, now_ns + passed * ms) == standing::avoided) ++passed;
    return passed;
}

}  // namespace

TEST_CASE("peer health avoids a peer after five failures in a row") {
    peer_health health(3, 1);
    fail(health, 0, 4, start);
    CHECK(health.at(0, start) == standing::usable);
    CHECK(health.failed(0, start));
    CHECK(health.at(0, start) == standing::avoided);
    CHECK(health.at(1, start) == standing::usable);
    CHECK(health.open_count() == 1);
}

TEST_CASE("peer health needs half of twenty outcomes when failures are scattered") {
    peer_health health(3, 1);
    for (int i = 0; i < 19; ++i) {
        if (i % 2 == 0) {
            health.failed(0, start);
        } else {
            health.succeeded(0, start);
        }
    }
    CHECK(health.at(0, start) == standing::usable);
    health.succeeded(0, start);
    CHECK(health.failed(0, start));
    CHECK(health.at(0, start) == standing::avoided);
    for (int i = 0; i < 200; ++i) {
        if (i % 3 == 0) {
            CHECK_FALSE(health.failed(1, start));
        } else {
            health.succeeded(1, start);
        }
    }
}

TEST_CASE("peer health forgets outcomes that are long past") {
    peer_health health(2, 1);
    fail(health, 0, 4, start);
    CHECK_FALSE(health.failed(0, start + 11 * second));
    fail(health, 0, 3, start + 12 * second);
    CHECK(health.at(0, start + 12 * second) == standing::usable);
    CHECK(health.failed(0, start + 13 * second));
}

TEST_CASE("peer health lets one probe through, and its success closes the circuit") {
    peer_health health(2, 1);
    fail(health, 0, 5, start);
    const auto pause = avoided_ms(health, 0, start);
    CHECK(pause > 250);
    CHECK(pause <= 501);
    const auto then = start + pause * ms;
    CHECK(health.at(0, then - ms) == standing::avoided);
    CHECK(health.at(0, then) == standing::usable);
    health.sent(0, then);
    CHECK(health.at(0, then) == standing::avoided);  // not a second one
    health.succeeded(0, then + ms);
    CHECK(health.at(0, then + ms) == standing::usable);
    CHECK(health.open_count() == 0);
    fail(health, 0, 4, then + ms);  // it starts with a clean sheet
    CHECK(health.at(0, then + ms) == standing::usable);
}

TEST_CASE("peer health opens for longer after each probe that fails, up to a bound") {
    peer_health health(2, 1);
    fail(health, 0, 5, start);
    auto now = start;
    std::int64_t ceiling_ms = 500;
    for (int round = 0; round < 70; ++round) {
        const auto pause = avoided_ms(health, 0, now);
        CHECK(pause >= ceiling_ms / 2);
        CHECK(pause <= ceiling_ms + 1);
        now += pause * ms;
        health.sent(0, now);
        CHECK(health.failed(0, now + ms));
        now += ms;
        ceiling_ms = std::min<std::int64_t>(ceiling_ms * 2, 30'000);
    }
    CHECK(health.open_count() == 1);
}

TEST_CASE("peer health tries again when the outcome of a probe never comes") {
    peer_health health(2, 1);
    fail(health, 0, 5, start);
    const auto pause = avoided_ms(health, 0, start);
    const auto then = start + pause * ms;
    health.sent(0, then);
    const auto again = avoided_ms(health, 0, then);
    CHECK(again == Approx(static_cast<double>(pause)).margin(1));
}

TEST_CASE("peer health takes all that was in flight to a dead peer for one failure") {
    peer_health health(2, 1);
    fail(health, 0, 500, start);
    const auto pause = avoided_ms(health, 0, start);
    CHECK(pause <= 501);
}

TEST_CASE("peer health forgives in time what a peer did before") {
    peer_health health(2, 1);
    auto now = start;
    for (int round = 0; round < 6; ++round) {
        fail(health, 0, 5, now);
        now += avoided_ms(health, 0, now) * ms;
        health.succeeded(0, now);
    }
    fail(health, 0, 5, now);
    CHECK(avoided_ms(health, 0, now) > 10'000);
    health.succeeded(0, now);
    now += 600 * second;
    fail(health, 0, 5, now);
    CHECK(avoided_ms(health, 0, now) <= 501);
}

TEST_CASE("peer health never avoids the only peer, nor more than half of them for failing") {
    peer_health alone(1, 1);
    fail(alone, 0, 1'000, start);
    CHECK(alone.at(0, start) == standing::usable);
    for (const std::size_t count : {2U, 3U, 5U, 10U}) {
        peer_health health(count, 1);
        for (std::size_t i = 0; i < count; ++i) fail(health, i, 100, start);
        std::size_t avoided = 0;
        for (std::size_t i = 0; i < count; ++i) avoided += health.at(i, start) == standing::avoided;
        CHECK(avoided == count / 2);
        CHECK(health.open_count() == count / 2);
        // Whoever recovers makes room for another.
        health.succeeded(0, start);
        health.failed(count - 1, start);
        CHECK(health.at(count - 1, start) == standing::avoided);
    }
    peer_health none(0, 1);
    CHECK(none.size() == 0);
}

TEST_CASE("peer health avoids a peer that refused as long as it asked for, not as failing") {
    peer_health health(2, 1);
    health.refused(0, 20 * ms, start);
    // With jitter; `refusal_pause` has its own tests.
    const auto asked = avoided_ms(health, 0, start);
    CHECK(asked >= 20);
    CHECK(asked <= 30);
    CHECK(health.open_count() == 0);
    health.refused(0, 5 * ms, start);  // a shorter one does not shorten
    CHECK(avoided_ms(health, 0, start) == asked);
    health.refused(1, std::numeric_limits<std::int64_t>::max(), start);
    CHECK(avoided_ms(health, 1, start) >= 5'000);
    CHECK(avoided_ms(health, 1, start) <= 7'500);
    // All may refuse at a time; the choice of a node then takes one nevertheless.
    CHECK(health.at(1, start) == standing::avoided);
    // A probe that is refused shows that the peer works.
    fail(health, 0, 5, start + second);
    CHECK(health.open_count() == 1);
    health.refused(0, ms, start + 2 * second);
    CHECK(health.open_count() == 0);
}

TEST_CASE("peer health keeps count when peers come, go and are replaced") {
    peer_health health(4, 1);
    fail(health, 2, 5, start);
    fail(health, 3, 5, start);
    CHECK(health.open_count() == 2);
    health.forget(2);
    CHECK(health.open_count() == 1);
    CHECK(health.at(2, start) == standing::usable);
    health.resize(3);
    CHECK(health.open_count() == 0);
    health.resize(6);
    CHECK(health.at(3, start) == standing::usable);
    CHECK(health.size() == 6);
}

TEST_CASE("peer health pardons the one that failed first when too few others are left") {
    peer_health health(4, 1);
    fail(health, 0, 5, start + 1);
    fail(health, 1, 5, start);
    health.resize(2);
    CHECK(health.open_count() == 1);
    CHECK(health.at(0, start + 1) == standing::avoided);
    CHECK(health.at(1, start + 1) == standing::usable);
    health.resize(1);
    CHECK(health.at(0, start + 1) == standing::usable);
}

TEST_CASE("peer health holds when the clock stands still, goes back, or is at its end") {
    peer_health health(2, 1);
    fail(health, 0, 5, start);
    CHECK(health.at(0, start) == standing::avoided);
    CHECK(health.at(0, 0) == standing::avoided);
    health.sent(0, start);
    CHECK_FALSE(health.failed(0, start));
    CHECK_FALSE(health.failed(0, 0));
    health.succeeded(0, 0);
    CHECK(health.at(0, start) == standing::usable);
    constexpr auto end = std::numeric_limits<std::int64_t>::max();
    fail(health, 1, 5, end);
    CHECK(health.open_count() == 1);
    CHECK(health.at(1, end - 1) == standing::avoided);
    health.refused(0, end, end);
    fail(health, 0, 5, std::numeric_limits<std::int64_t>::min());
    CHECK(health.size() == 2);
}

TEST_CASE("peer health makes sense of senseless settings") {
    peer_health::options odd;
    odd.open_ns_min = -5;
    odd.open_ns_max = -7;
    odd.failures_in_row = 0;
    odd.outcomes_min = 1'000;
    odd.calm_ns = 0;
    odd.memory_ns = -1;
    odd.refusal_ns_max = -1;
    peer_health health(2, 1, odd);
    CHECK(health.failed(0, start));
    CHECK(health.at(0, start + ms) == standing::usable);
    health.refused(0, second, start);
    odd.open_ns_min = odd.open_ns_max = std::numeric_limits<std::int64_t>::max();
    peer_health for_ever(2, 1, odd);
    CHECK(for_ever.failed(0, start));
    CHECK(for_ever.at(0, start + second) == standing::avoided);
}
