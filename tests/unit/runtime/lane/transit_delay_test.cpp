// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/transit_delay.hpp"

#include "tests/support/catch.hpp"

#include <limits>

using dunlin::runtime::transit_delay;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1000 * ms;

/// Two clocks that have nothing in common, and what lies between.
struct way {
    transit_delay estimate;
    std::int64_t ours_ns = 5 * second;
    std::int64_t offset_ns = 123'456 * second;  // theirs beyond ours
    std::int64_t drift_ppm = 0;                 // theirs is that much slower

    /// A frame that is read now and was sent so long ago.
    std::int64_t late_ns(std::int64_t way_ns) {
        const auto sent_ns = ours_ns - way_ns;
        const auto theirs_ns = sent_ns + offset_ns - sent_ns / 1'000'000 * drift_ppm;
        return estimate.late_ns(static_cast<std::uint64_t>(theirs_ns / 1000), ours_ns);
    }
    void wait(std::int64_t ns) { ours_ns += ns; }
};

}  // namespace

TEST_CASE("a frame is late by what its way took beyond the shortest") {
    way to;
    CHECK(to.late_ns(2 * ms) == 0);
    to.wait(ms);
    CHECK(to.late_ns(1 * ms) == 0);  // quicker than any before
    to.wait(ms);
    const auto late = to.late_ns(31 * ms);
    CHECK(late > 29 * ms);
    CHECK(late <= 30 * ms);
}

TEST_CASE("what lay in buffers while its node was stopped is late until they are empty") {
    way to;
    for (int i = 0; i < 100; ++i) {
        CHECK(to.late_ns(ms) < ms);
        to.wait(10 * ms);
    }
    to.wait(10 * second);  // stopped, while 100 frames a second were sent
    for (int i = 0; i < 1000; ++i) {
        const auto way_ns = 10 * second - i * 10 * ms;
        const auto late = to.late_ns(way_ns);
        CHECK(late <= way_ns);
        CHECK(late >= way_ns - 15 * ms);
        to.wait(10'000);  // they are read at once
    }
    CHECK(to.late_ns(ms) < ms);
}

TEST_CASE("clocks that drift apart make no frame late") {
    for (const std::int64_t ppm : {-500, 500}) {
        way to;
        to.drift_ppm = ppm;
        for (int i = 0; i < 36'000; ++i) {
            to.wait(100 * ms);
            CHECK(to.late_ns(ms) < ms);
        }
        CHECK(to.late_ns(second) > 990 * ms);
    }
}

TEST_CASE("a clock that has jumped is believed after two seconds") {
    way to;
    static_cast<void>(to.late_ns(ms));
    to.wait(second);
    to.offset_ns -= 60 * second;  // theirs was asleep
    CHECK(to.late_ns(ms) > 59 * second);
    to.wait(second);
    CHECK(to.late_ns(5 * ms) > 59 * second);
    to.wait(second);
    CHECK(to.late_ns(5 * ms) < 10 * ms);
    to.wait(ms);
    CHECK(to.late_ns(105 * ms) > 90 * ms);
    to.offset_ns += 3600 * second;  // ours
    CHECK(to.late_ns(ms) == 0);
}

TEST_CASE("a peer that says nonsense of its clock hurts nobody") {
    transit_delay estimate;
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    std::int64_t now = second;
    for (const std::uint64_t sent :
         {std::uint64_t{0}, most, most / 2, std::uint64_t{1}, most - 1}) {
        now += 10 * second;
        CHECK(estimate.late_ns(sent, now) >= 0);
    }
}
