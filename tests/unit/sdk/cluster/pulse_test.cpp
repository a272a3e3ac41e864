// SPDX-License-Identifier: Apache-2.0
#include "cluster/pulse.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>

using dunlin::cluster::pulse;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr pulse::limits client_like{.silence_max_ns = 1'000 * ms};

// Looks when it should until the verdict is another. @returns when that was.
std::int64_t run_until(pulse& p, bool expects, pulse::verdict wanted, std::int64_t now_ns,
                       std::int64_t end_ns) {
    while (now_ns < end_ns) {
        if (p.look(expects, now_ns) == wanted) return now_ns;
        now_ns = std::max(now_ns + ms, p.next_ns());
    }
    return -1;
}

}  // namespace

TEST_CASE("pulse asks nobody of whom nothing is expected") {
    pulse p(client_like);
    CHECK(run_until(p, false, pulse::verdict::ping, 0, 3'600'000 * ms) == -1);
    CHECK(p.next_ns() == INT64_MAX);
    CHECK_FALSE(p.late());
}

TEST_CASE("pulse asks after silence, finds late who does not answer, and gives up in the end") {
    pulse p(client_like);
    CHECK(p.look(true, 5'000 * ms) == pulse::verdict::well);
    CHECK(run_until(p, true, pulse::verdict::ping, 5'000 * ms, 9'000 * ms) == 5'100 * ms);
    CHECK(run_until(p, true, pulse::verdict::late, 5'100 * ms, 9'000 * ms) == 5'200 * ms);
    CHECK(p.late());
    CHECK(run_until(p, true, pulse::verdict::silent, 5'200 * ms, 9'000 * ms) == 6'000 * ms);
}

TEST_CASE("pulse takes anything that is heard for life") {
    pulse p(client_like);
    std::int64_t now = 0;
    REQUIRE(p.look(true, now) == pulse::verdict::well);
    for (int i = 0; i < 100; ++i) {
        now = run_until(p, true, pulse::verdict::late, now, now + 10'000 * ms);
        REQUIRE(now > 0);
        p.heard(now);
        CHECK_FALSE(p.late());
    }
    CHECK(p.look(true, now) == pulse::verdict::well);
    CHECK(p.next_ns() == now + 100 * ms);
}

TEST_CASE("pulse counts silence from when something is expected") {
    pulse p(client_like);
    REQUIRE(p.look(true, 0) == pulse::verdict::well);
    p.heard(50 * ms);
    REQUIRE(p.look(false, 60 * ms) == pulse::verdict::well);
    CHECK(p.look(true, 90'000 * ms) == pulse::verdict::well);
    CHECK(p.next_ns() == 90'100 * ms);
}

TEST_CASE("pulse does not hold against others that it did not look itself") {
    pulse p(client_like);
    REQUIRE(p.look(true, 0) == pulse::verdict::well);
    REQUIRE(p.look(true, 100 * ms) == pulse::verdict::ping);
    // Stopped for an hour; what arrived meanwhile was not read yet.
    const auto later = 3'600'000 * ms;
    CHECK(p.look(true, later) == pulse::verdict::late);
    CHECK(run_until(p, true, pulse::verdict::silent, later, later + 5'000 * ms) ==
          later + 800 * ms);
}

TEST_CASE("pulse asks those who are doubted at once, and waits for them a shorter time") {
    pulse p(client_like);
    REQUIRE(p.look(false, 0) == pulse::verdict::well);
    p.doubt();
    CHECK(p.next_ns() == 0);
    CHECK(p.look(false, 10 * ms) == pulse::verdict::ping);
    SECTION("one that answers is doubted no more") {
        p.heard(20 * ms);
        CHECK(p.look(false, 30 * ms) == pulse::verdict::well);
        CHECK(p.next_ns() == INT64_MAX);
    }
    SECTION("one that does not is given up") {
        CHECK(run_until(p, false, pulse::verdict::silent, 10 * ms, 5'000 * ms) == 310 * ms);
    }
}

TEST_CASE("pulse without an end only tells who is late") {
    pulse p(pulse::limits{});
    REQUIRE(p.look(true, 0) == pulse::verdict::well);
    REQUIRE(run_until(p, true, pulse::verdict::late, 0, 5'000 * ms) == 200 * ms);
    CHECK(run_until(p, true, pulse::verdict::silent, 200 * ms, 3'600'000 * ms) == -1);
    p.doubt();
    CHECK(run_until(p, true, pulse::verdict::silent, 4'000'000 * ms, 5'000'000 * ms) == -1);
    CHECK(p.late());
}

TEST_CASE("pulse holds late who was found so until something is heard, whatever is expected") {
    pulse p(client_like);
    REQUIRE(p.look(true, 0) == pulse::verdict::well);
    REQUIRE(run_until(p, true, pulse::verdict::late, 0, 5'000 * ms) == 200 * ms);
    // Its calls have been given up: nothing is expected any more.
    CHECK(p.look(false, 300 * ms) == pulse::verdict::late);
    CHECK(p.late());
    SECTION("a word of it is enough") {
        p.heard(400 * ms);
        CHECK_FALSE(p.late());
        CHECK(p.look(false, 400 * ms) == pulse::verdict::well);
        CHECK(p.next_ns() == INT64_MAX);
    }
    SECTION("without one it is given up") {
        CHECK(run_until(p, false, pulse::verdict::silent, 300 * ms, 5'000 * ms) == 1'000 * ms);
    }
}
