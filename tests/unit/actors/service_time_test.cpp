// SPDX-License-Identifier: Apache-2.0
#include "actors/service_time.hpp"

#include "tests/support/catch.hpp"

using dunlin::actors::service_time;

TEST_CASE("service time is zero and unmeasured until something ran") {
    service_time time;
    CHECK_FALSE(time.measured());
    CHECK(time.predicted_ns() == 0);
    time.record(100, 0);
    CHECK_FALSE(time.measured());
}

TEST_CASE("the first sample counts whole, later ones by an eighth") {
    service_time time;
    time.record(8000, 1);
    CHECK(time.predicted_ns() == 8000);
    time.record(16000, 1);
    CHECK(time.predicted_ns() == 9000);
    time.record(9000, 1);
    CHECK(time.predicted_ns() == 9000);
}

TEST_CASE("a bundle's time is shared by its invocations") {
    service_time time;
    time.record(1000, 10);
    CHECK(time.predicted_ns() == 100);
}

TEST_CASE("a call that still runs raises the prediction and never lowers it") {
    service_time time;
    time.record_at_least(500);
    CHECK(time.measured());
    CHECK(time.predicted_ns() == 500);
    time.record_at_least(400);
    CHECK(time.predicted_ns() == 500);
}
