// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/watchdog.hpp"
#include "tests/support/catch.hpp"

using dunlin::runtime::hold_detector;

namespace {
constexpr std::int64_t hold_ns_max = 5000;
}

TEST_CASE("a lane in its own code is never held, however long") {
    hold_detector detector;
    CHECK_FALSE(detector.observe(4, 0, hold_ns_max));
    CHECK_FALSE(detector.observe(4, 1'000'000, hold_ns_max));
}

TEST_CASE("user code seen for the longest time holds the lane") {
    hold_detector detector;
    CHECK_FALSE(detector.observe(5, 1000, hold_ns_max));
    CHECK_FALSE(detector.observe(5, 5999, hold_ns_max));
    CHECK(detector.observe(5, 6000, hold_ns_max) == 5000);
    CHECK(detector.observe(5, 9000, hold_ns_max) == 8000);
}

TEST_CASE("each entry into user code counts from when it was seen") {
    hold_detector detector;
    CHECK_FALSE(detector.observe(5, 0, hold_ns_max));
    CHECK_FALSE(detector.observe(7, 4000, hold_ns_max));
    CHECK_FALSE(detector.observe(7, 8000, hold_ns_max));
    CHECK_FALSE(detector.observe(8, 8500, hold_ns_max));
    CHECK_FALSE(detector.observe(7, 9500, hold_ns_max));  // cannot happen, but is not believed
    CHECK(detector.observe(7, 15000, hold_ns_max) == 5500);
}
