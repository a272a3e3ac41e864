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

TEST_CASE("spread shares by capacity and stays near one queue, wherever calls enter",
          "[one-thread]") {
    struct {
        const char* what;
        spread_scene scene;
        double share_off_max;
        double p99_ratio_max;
        double stayed_min = 0;
    } const scenes[] = {
        {"a node of three is slow", {}, 0.10, 2.0},
        {"a hop costs half of a short call", {.hop_ns = 250e3}, 0.10, 2.0},
        {"all calls enter at the slow node", {.entries = {0, 0, 1}}, 0.10, 2.0},
        {"all calls enter at a fast node", {.entries = {1, 0, 0}}, 0.12, 2.0},
        {"clients choose", {.clients = true}, 0.06, 2.5},
        {"one node's reports are late", {.late_node = 1, .late_ns = 100e6}, 0.13, 2.5},
        {"the slow node's reports are late", {.late_node = 2, .late_ns = 100e6}, 0.13, 2.5},
        {"equal nodes are half loaded", {.slowness = {1, 1, 1}, .load = 0.5}, 0.05, 2.0, 0.45},
        {"near saturation", {.load = 0.95}, 0.10, 3.0},
    };
    for (const auto& each : scenes) {
        INFO(each.what);
        const auto seen = run_all(each.scene);
        CHECK(seen.share_off < each.share_off_max);
        CHECK(seen.p99_ratio < each.p99_ratio_max);
        CHECK(seen.stayed_min >= each.stayed_min);
    }
}
