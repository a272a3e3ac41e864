// SPDX-License-Identifier: Apache-2.0
#include "actors/placement.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::actors;

namespace {

void set(service_time& time, std::int64_t ns) {
    for (int i = 0; i < 200; ++i) time.record(ns, 1);
}

}  // namespace

TEST_CASE("a function that was not measured runs on the lane") {
    const service_time time;
    CHECK(decide_placement(placement::lane, time) == placement::lane);
}

TEST_CASE("long work leaves the lane and comes back only below the lower threshold") {
    service_time time;
    time.record(limits::lane_service_ns_max, 1);
    CHECK(decide_placement(placement::lane, time) == placement::lane);
    time.record_at_least(limits::lane_service_ns_max + 1);
    CHECK(decide_placement(placement::lane, time) == placement::scheduler);
    set(time, (limits::lane_service_ns_max + limits::lane_service_ns_back) / 2);
    CHECK(decide_placement(placement::scheduler, time) == placement::scheduler);
    CHECK(decide_placement(placement::lane, time) == placement::lane);
    set(time, limits::lane_service_ns_back / 2);
    CHECK(decide_placement(placement::scheduler, time) == placement::lane);
}

TEST_CASE("blocking functions keep their threads however short they are") {
    service_time time;
    time.record(1, 1);
    CHECK(decide_placement(placement::threads, time) == placement::threads);
}

TEST_CASE("a bundle holds about as much work as its limit, and at least one invocation") {
    service_time time;
    CHECK(bundle_capacity(placement::lane, false, time) == 1);
    time.record(0, 1);
    CHECK(bundle_capacity(placement::lane, false, time) == limits::bundle_invocations_max);
    CHECK(bundle_capacity(placement::lane, true, time) == 1);
    CHECK(bundle_capacity(placement::threads, false, time) == 1);
    set(time, limits::bundle_work_ns_max / 4);
    CHECK(bundle_capacity(placement::lane, false, time) == 4);
    time.record_at_least(limits::bundle_work_ns_max * 100);
    CHECK(bundle_capacity(placement::scheduler, false, time) == 1);
}

TEST_CASE("placements have names") {
    CHECK(to_string(placement::lane) == "lane");
    CHECK(to_string(placement::scheduler) == "scheduler");
    CHECK(to_string(placement::threads) == "threads");
}
