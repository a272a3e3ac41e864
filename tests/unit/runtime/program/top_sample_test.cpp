// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_sample.hpp"

#include "runtime/text/json_payload.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::program;

TEST_CASE("a node's figures are read, and those of its own functions are not") {
    const auto sample = read_sample(runtime::payload_from_json(R"({"node": "n1", "calls_open": 3,
            "calls_forwarded": 4, "calls_retried": 5, "busy": 0.5, "functions": [
                {"name": "dunlin/stats", "invocations": 9},
                {"name": "text/count", "invocations": 10, "refused": 2, "queue_depth": 1,
                 "latency": [[8.0, 6], [10.0, 4], [8.0, 1], ["x", 1], [5]]}, 7]})")
                                        .value())
                            .value();
    CHECK(sample.node == "n1");
    CHECK(sample.calls_open == 3);
    CHECK(sample.forwarded == 4);
    CHECK(sample.retried == 5);
    CHECK(sample.busy == 0.5);
    REQUIRE(sample.functions.size() == 1);
    const auto& count = sample.functions.at("text/count");
    CHECK(count.invocations == 10);
    CHECK(count.refused == 2);
    CHECK(count.queue_depth == 1);
    CHECK(count.latency == latency_buckets{{8.0, 7}, {10.0, 4}});
}

TEST_CASE("figures that are none are an error") {
    CHECK(read_sample(runtime::payload_from_json("[1]").value()).error().code == errc::internal);
}

TEST_CASE("a counter that went back has counted anew") {
    CHECK(grown(10, 25) == 15);
    CHECK(grown(10, 10) == 0);
    CHECK(grown(10, 4) == 4);
}

TEST_CASE("latencies of an interval are what the buckets gained") {
    CHECK(grown(latency_buckets{{8, 5}, {10, 7}, {12, 9}},
                latency_buckets{{8, 5}, {10, 9}, {12, 4}, {64, 1}}) ==
          latency_buckets{{10, 2}, {12, 4}, {64, 1}});
}

TEST_CASE("a quantile is the end of the bucket that holds it") {
    const latency_buckets counted{{10, 50}, {20, 49}, {1000, 1}};
    CHECK(quantile_us(counted, 0.5) == 10);
    CHECK(quantile_us(counted, 0.51) == 20);
    CHECK(quantile_us(counted, 0.99) == 20);
    CHECK(quantile_us(counted, 0.991) == 1000);
    CHECK(quantile_us(counted, 1) == 1000);
    CHECK(quantile_us({{40, 1}}, 0.01) == 40);
    CHECK(quantile_us({}, 0.5) == 0);
}
