// SPDX-License-Identifier: Apache-2.0
//
// Shares and latency under `spread`, in a simulation. Run with -s to see the tables.
#include "tests/unit/sdk/cluster/spread_simulation.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

using namespace dunlin::test;

namespace {

struct worst {
    double share_off = 0;
    double p99_ratio = 0;
    double stayed_min = 1;
};

/// The scene with 1, 4 and 16 servers, 1 and 20 ms, exponential and constant.
worst run_all(spread_scene scene) {
    worst seen;
    std::string table = "servers  service      share off  p99 / ideal  stayed\n";
    for (const int servers : {1, 4, 16}) {
        for (const double service_ns : {1e6, 20e6}) {
            for (const bool exponential : {true, false}) {
                scene.servers = servers;
                scene.service_ns = service_ns;
                scene.exponential = exponential;
                const auto got = spread_simulation(scene, 7).run();
                const auto ratio = got.p99_ns / spread_simulation::ideal_p99_ns(scene, 5);
                seen.share_off = std::max(seen.share_off, got.share_off_max);
                seen.p99_ratio = std::max(seen.p99_ratio, ratio);
                seen.stayed_min = std::min(seen.stayed_min, got.stayed);
                char line[100];
                std::snprintf(line, sizeof line, "%7d  %2.0f ms %-5s  %7.1f %%  %11.2f  %4.0f %%\n",
                              servers, service_ns / 1e6, exponential ? "exp" : "const",
                              100 * got.share_off_max, ratio, 100 * got.stayed);
                table += line;
            }
        }
    }
    INFO(table);
    SUCCEED();
    return seen;
}

}  // namespace

TEST_CASE("spread shares by capacity and stays near one queue when a node of three is slow") {
    const auto seen = run_all({});
    CHECK(seen.share_off < 0.10);
    CHECK(seen.p99_ratio < 2.0);
}

TEST_CASE("spread shares by capacity when a hop costs half of a short call") {
    spread_scene scene;
    scene.hop_ns = 250e3;
    const auto seen = run_all(scene);
    CHECK(seen.share_off < 0.10);
    CHECK(seen.p99_ratio < 2.0);
}

TEST_CASE("spread shares by capacity when all calls enter at the slow node") {
    spread_scene scene;
    scene.entries = {0, 0, 1};
    const auto seen = run_all(scene);
    CHECK(seen.share_off < 0.10);
    CHECK(seen.p99_ratio < 2.0);
}

TEST_CASE("spread shares by capacity when all calls enter at a fast node") {
    spread_scene scene;
    scene.entries = {1, 0, 0};
    const auto seen = run_all(scene);
    CHECK(seen.share_off < 0.12);
    CHECK(seen.p99_ratio < 2.0);
}

TEST_CASE("spread shares by capacity when clients choose") {
    spread_scene scene;
    scene.clients = true;
    const auto seen = run_all(scene);
    CHECK(seen.share_off < 0.06);
    CHECK(seen.p99_ratio < 2.5);
}

TEST_CASE("spread is not misled by reports that are 100 ms late") {
    spread_scene scene;
    scene.late_ns = 100e6;
    for (const int late : {1, 2}) {
        scene.late_node = late;
        const auto seen = run_all(scene);
        CHECK(seen.share_off < 0.13);
        CHECK(seen.p99_ratio < 2.5);
    }
}

TEST_CASE("spread keeps most calls where they enter when nodes are equal and half loaded") {
    spread_scene scene;
    scene.slowness = {1, 1, 1};
    scene.load = 0.5;
    const auto seen = run_all(scene);
    CHECK(seen.share_off < 0.05);
    CHECK(seen.p99_ratio < 2.0);
    CHECK(seen.stayed_min > 0.45);
}

TEST_CASE("spread holds near saturation") {
    spread_scene scene;
    scene.load = 0.95;
    const auto seen = run_all(scene);
    CHECK(seen.share_off < 0.10);
    CHECK(seen.p99_ratio < 3.0);
}
