// SPDX-License-Identifier: Apache-2.0
//
// Where calls run, how long they take and how often the set changes under `warm_set`, in a
// simulation. Run with -s to see the tables.
#include "tests/support/catch.hpp"
#include "tests/unit/sdk/cluster/spread_simulation.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

using namespace dunlin::test;

namespace {

/// Calls that come in so many minutes.
int calls_in(const spread_scene& scene, double minutes) {
    double rate = 0;
    const double full = scene.room == 0 ? scene.servers : scene.room;
    for (const auto slowness : scene.slowness) rate += full / (scene.service_ns * slowness);
    return static_cast<int>(rate * scene.load * minutes * 60e9);
}

}  // namespace

TEST_CASE("a function at a fifth of one node is warm on one, and as quick as when it is spread",
          "[one-thread]") {
    std::string table = "servers  service      on one   p99 / spread over all\n";
    for (const bool clients : {true, false}) {
        for (const int servers : {4, 16}) {
            for (const double service_ns : {1e6, 20e6}) {
                for (const bool exponential : {true, false}) {
                    spread_scene scene{.slowness = {1, 1, 1}, .clients = clients};
                    scene.servers = servers;
                    scene.service_ns = service_ns;
                    scene.exponential = exponential;
                    scene.load = 0.2 / 3;
                    const auto wide = spread_simulation(scene, 7).run();
                    scene.warm = true;
                    const auto got = spread_simulation(scene, 7).run();
                    const auto most = *std::max_element(got.shares.begin(), got.shares.end());
                    const auto ratio = got.p99_ns / wide.p99_ns;
                    char line[100];
                    std::snprintf(line, sizeof line, "%7d  %2.0f ms %-5s  %6.2f %%  %11.2f\n",
                                  servers, service_ns / 1e6, exponential ? "exp" : "const",
                                  100 * most, ratio);
                    table += line;
                    CHECK(got.width_max == 1);
                    CHECK(most > 0.99);
                    CHECK(ratio < 1.2);
                }
            }
        }
    }
    INFO(table);
    SUCCEED();
}

TEST_CASE("a function at four fifths of three nodes is warm on all, by capacity", "[one-thread]") {
    std::string table = "slowness  servers  service      share off  p99 / ideal\n";
    for (const bool clients : {true, false}) {
        for (const double slowest : {1.0, 4.0}) {
            for (const int servers : {4, 16}) {
                for (const double service_ns : {1e6, 20e6}) {
                    spread_scene scene{.slowness = {1, 1, slowest}, .clients = clients};
                    scene.servers = servers;
                    scene.service_ns = service_ns;
                    scene.warm = true;
                    // Ten seconds, since it takes a moment until the set has grown.
                    scene.calls = std::max(scene.calls, calls_in(scene, 1.0 / 6));
                    const auto got = spread_simulation(scene, 7).run();
                    const auto ratio = got.p99_ns / spread_simulation::ideal_p99_ns(scene, 5);
                    char line[100];
                    std::snprintf(line, sizeof line, "%8.0f  %7d  %2.0f ms  %7.1f %%  %11.2f\n",
                                  slowest, servers, service_ns / 1e6, 100 * got.share_off_max,
                                  ratio);
                    table += line;
                    INFO(table);
                    CHECK(got.width_max == 3);
                    CHECK(got.swings == 0);
                    CHECK(got.share_off_max < 0.10);
                    CHECK(ratio < 2.5);
                }
            }
        }
    }
    INFO(table);
    SUCCEED();
}

namespace {

/// Ten minutes at each level of load, the callers being nodes or clients.
void hold_steady(const char* what, spread_scene scene) {
    std::string table = "                            load   grown  swings  widest  most\n";
    scene.clients = GENERATE(true, false);
    scene.warm = true;
    for (int percent = 5; percent <= 95; percent += 10) {
        scene.load = percent / 100.0;
        scene.calls = calls_in(scene, 10);
        const auto got = spread_simulation(scene, 11).run();
        char line[100];
        std::snprintf(line, sizeof line, "%-26s  %3d %%  %6u  %6u  %6u  %3.0f %%\n", what, percent,
                      got.grown, got.swings, got.width_max,
                      100 * *std::max_element(got.shares.begin(), got.shares.end()));
        table += line;
        INFO(table);
        CHECK(got.swings <= 1);
    }
}

}  // namespace

TEST_CASE("a steady load of any level does not make the width swing: it computes, four servers",
          "[one-thread]") {
    hold_steady("computes, 4 servers, 20 ms",
                {.slowness = {1, 1, 1}, .servers = 4, .service_ns = 20e6});
}

TEST_CASE("a steady load of any level does not make the width swing: it computes, one server",
          "[one-thread]") {
    hold_steady("computes, 1 server, 50 ms",
                {.slowness = {1, 1, 1}, .servers = 1, .service_ns = 50e6});
}

TEST_CASE("a steady load of any level does not make the width swing: it waits", "[one-thread]") {
    hold_steady("waits 300 ms",
                {.slowness = {1, 1, 1}, .servers = 1000, .service_ns = 300e6, .room = 32});
}
