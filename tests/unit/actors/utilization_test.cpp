// SPDX-License-Identifier: Apache-2.0
#include "actors/utilization.hpp"

#include "tests/support/catch.hpp"

using dunlin::actors::utilization;

namespace {

constexpr std::int64_t ms = 1'000'000;

}  // namespace

TEST_CASE("a pool that is busy half of the time comes to say so") {
    utilization busy;
    std::int64_t occupied_ns = 0;
    for (std::int64_t now_ns = ms; now_ns < 2000 * ms; now_ns += 20 * ms) {
        busy.sample(occupied_ns, 4, now_ns);
        occupied_ns += 4 * 10 * ms;  // of 4 servers, 10 ms each in 20
    }
    CHECK(busy.share() == Approx(0.5).margin(0.01));
}

TEST_CASE("what was long ago is forgotten within a few windows") {
    utilization busy;
    std::int64_t occupied_ns = 0;
    std::int64_t now_ns = ms;
    for (; now_ns < 1000 * ms; now_ns += 20 * ms) {
        busy.sample(occupied_ns, 1, now_ns);
        occupied_ns += 20 * ms;
    }
    CHECK(busy.share() > 0.95F);
    for (const auto end = now_ns + 1000 * ms; now_ns < end; now_ns += 20 * ms)
        busy.sample(occupied_ns, 1, now_ns);
    CHECK(busy.share() < 0.02F);
}

TEST_CASE("samples that follow too soon, or a long call that ends, do not lead out of the range") {
    utilization busy;
    busy.sample(0, 1, ms);
    busy.sample(5 * ms, 1, 2 * ms);  // too soon to mean anything
    CHECK(busy.share() == 0.0F);
    busy.sample(10'000 * ms, 1, 300 * ms);
    CHECK(busy.share() == 1.0F);
    busy.sample(10'000 * ms, 1, 300 * ms);  // the clock stands
    CHECK(busy.share() == 1.0F);
}
