// SPDX-License-Identifier: Apache-2.0
#include "actors/latency_counts.hpp"

#include "tests/support/catch.hpp"

#include <thread>
#include <vector>

using dunlin::actors::latency_counts;

TEST_CASE("every latency stands in a bucket that is at most a quarter too long") {
    for (double ns = 1; ns < 33e9; ns = ns * 1.01 + 1) {
        const auto latency_ns = static_cast<std::int64_t>(ns);
        const auto bucket = latency_counts::bucket_of(latency_ns);
        INFO(latency_ns);
        REQUIRE(latency_counts::upper_ns(bucket) >= static_cast<std::uint64_t>(latency_ns));
        if (bucket > 0)
            REQUIRE(latency_counts::upper_ns(bucket - 1) < static_cast<std::uint64_t>(latency_ns));
        if (latency_ns > 1000)
            REQUIRE(static_cast<double>(latency_counts::upper_ns(bucket)) <= ns * 1.25 + 1);
    }
}

TEST_CASE("latencies that no bucket is for stand in the first and the last") {
    latency_counts counts;
    counts.record(-5);
    counts.record(0);
    counts.record(std::int64_t{1} << 62);
    CHECK(counts.count(0) == 2);
    CHECK(counts.count(latency_counts::buckets - 1) == 1);
}

TEST_CASE("latencies are counted in each bucket, whoever makes its group") {
    latency_counts counts;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&counts] {
            for (std::size_t bucket = 0; bucket < latency_counts::buckets; ++bucket)
                counts.record(static_cast<std::int64_t>(latency_counts::upper_ns(bucket)));
        });
    for (auto& each : threads) each.join();
    for (std::size_t bucket = 0; bucket < latency_counts::buckets; ++bucket)
        REQUIRE(counts.count(bucket) == 4);
}
