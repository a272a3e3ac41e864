// SPDX-License-Identifier: Apache-2.0
//
// Clusters in virtual time, a few dozen seeds of each. A failing run prints its seed, and
// DUNLIN_SIM_SEED=n runs that one alone and tells its story.
#include "tests/sim/membership_cluster.hpp"
#include "tests/sim/membership_scenario.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace dunlin::sim;
using membership::change;
using membership::change_kind;

namespace {

constexpr std::int64_t ms = 1'000'000;

cluster_settings settings_of(host_id nodes, std::uint64_t seed) {
    cluster_settings how;
    how.hosts = nodes;
    how.seed = seed;
    return how;
}

// Runs until all know each other, and then for a while, so that seeds meet other moments.
void settle(membership_cluster& cluster, std::uint64_t seed) {
    REQUIRE(cluster.time.run_until(10'000 * ms, [&] { return cluster.converged(); }));
    cluster.time.run_for((2000 + static_cast<std::int64_t>(membership::mix(seed) % 400)) * ms);
}

// From the end of one node until all others have declared it dead.
std::int64_t death_known_ns(host_id nodes, std::uint64_t seed, membership_cluster::ending how) {
    membership_cluster cluster(settings_of(nodes, seed));
    settle(cluster, seed);
    const auto victim = static_cast<host_id>(seed % nodes);
    host_id knowing = 0;
    cluster.on_change = [&](host_id, const change& what) {
        CHECK(what.record->name == "node-" + std::to_string(victim));
        if (what.kind == change_kind::died) ++knowing;
    };
    const auto killed_ns = cluster.time.now_ns();
    cluster.kill(victim, how);
    cluster.time.run_until(killed_ns + 5000 * ms, [&] { return knowing == nodes - 1; });
    CHECK(cluster.violations.empty());
    return cluster.time.now_ns() - killed_ns;
}

}  // namespace

TEST_CASE("random lives of clusters end in one view") {
    std::uint64_t first = 1;
    std::uint64_t last = 200;
    const char* chosen = std::getenv("DUNLIN_SIM_SEED");
    if (chosen != nullptr) first = last = std::strtoull(chosen, nullptr, 10);
    for (auto seed = first; seed <= last; ++seed) {
        const auto outcome = run_membership_scenario(seed);
        if (chosen != nullptr) std::cout << outcome.story;
        for (const auto& problem : outcome.problems) {
            INFO("DUNLIN_SIM_SEED=" << seed << " runs this one alone");
            FAIL_CHECK(problem);
        }
    }
}

TEST_CASE("the same seed lives the same life") {
    const auto once = run_membership_scenario(4);
    const auto again = run_membership_scenario(4);
    CHECK(once.story == again.story);
    CHECK(once.steps == again.steps);
}

TEST_CASE("a death in silence is known everywhere within a second in clusters of 3 and 5") {
    for (const host_id nodes : {3u, 5u}) {
        for (std::uint64_t seed = 1; seed <= 150; ++seed) {
            INFO(nodes << " nodes, seed " << seed);
            CHECK(death_known_ns(nodes, seed, membership_cluster::ending::silent) < 1000 * ms);
        }
    }
}

TEST_CASE("a death that closes its connections is known everywhere within half a second") {
    for (const host_id nodes : {3u, 5u}) {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            INFO(nodes << " nodes, seed " << seed);
            CHECK(death_known_ns(nodes, seed, membership_cluster::ending::connections_close) <
                  500 * ms);
        }
    }
}

TEST_CASE("a node that is paused for 300 ms is not declared dead, and trusted again soon") {
    for (const host_id nodes : {2u, 3u, 5u}) {
        for (std::uint64_t seed = 1; seed <= 150; ++seed) {
            INFO(nodes << " nodes, seed " << seed);
            membership_cluster cluster(settings_of(nodes, seed));
            settle(cluster, seed);
            cluster.on_change = [&](host_id at, const change& what) {
                INFO("at node-" << at << ": " << what.record->name);
                CHECK(what.kind != change_kind::died);
            };
            const auto victim = static_cast<host_id>(seed % nodes);
            cluster.pause(victim);
            cluster.time.run_for(300 * ms);
            cluster.resume(victim);
            const auto resumed_ns = cluster.time.now_ns();
            cluster.time.run_until(resumed_ns + 2000 * ms, [&] { return cluster.converged(); });
            CHECK(cluster.time.now_ns() - resumed_ns < 200 * ms);
            CHECK(cluster.violations.empty());
        }
    }
}

TEST_CASE("a partition of two from one heals within three seconds") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        INFO("seed " << seed);
        membership_cluster cluster(settings_of(3, seed));
        settle(cluster, seed);
        const auto alone = static_cast<host_id>(seed % 3);
        for (host_id other = 0; other < 3; ++other) {
            if (other == alone) continue;
            cluster.network.cut(alone, other);
            cluster.network.cut(other, alone);
        }
        cluster.time.run_for(10'000 * ms);
        CHECK(cluster.node(alone).living() == 1);
        CHECK(cluster.node((alone + 1) % 3).living() == 2);
        cluster.network.mend();
        const auto mended_ns = cluster.time.now_ns();
        cluster.time.run_until(mended_ns + 10'000 * ms, [&] { return cluster.converged(); });
        CHECK(cluster.time.now_ns() - mended_ns < 3000 * ms);
        CHECK(cluster.violations.empty());
    }
}

TEST_CASE("a drained node is known to drain and one that leaves is known to have left at once") {
    membership_cluster cluster(settings_of(5, 7));
    settle(cluster, 7);
    const auto instance = cluster[2].instance;
    cluster.drain(2);
    cluster.time.run_for(200 * ms);
    for (host_id at = 0; at < 5; ++at) CHECK(cluster.node(at).find(instance)->record->draining);
    cluster.leave(2);
    cluster.time.run_for(200 * ms);
    for (host_id at = 0; at < 5; ++at)
        CHECK(cluster.node(at).find(instance)->state == membership::member_state::left);
    CHECK(cluster.violations.empty());
}

TEST_CASE("a node that starts again at once with an earlier clock takes its former start's place") {
    using wall_clock = membership_cluster::wall_clock;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        membership_cluster cluster(settings_of(seed % 2 == 0 ? 3 : 5, seed));
        settle(cluster, seed);
        const auto victim = static_cast<host_id>(seed % cluster.hosts());
        const auto former = cluster[victim].instance;
        cluster.kill(victim, seed % 3 == 0 ? membership_cluster::ending::silent
                                           : membership_cluster::ending::connections_close);
        cluster.time.run_for(static_cast<std::int64_t>(seed % 5) * 20 * ms);
        std::size_t buried_alive = 0;
        std::size_t returned = 0;
        std::size_t refuted = 0;
        cluster.on_change = [&](host_id, const change& what) {
            if (what.kind == change_kind::died && cluster.runs(what.record->instance))
                ++buried_alive;
            returned += what.kind == change_kind::returned;
            refuted += what.kind == change_kind::self_refuted;
            CHECK(what.kind != change_kind::name_conflict);
        };
        cluster.start(victim, (victim + 1) % cluster.hosts(), wall_clock::was_put_back);
        REQUIRE(cluster[victim].instance < former);
        CHECK(cluster.time.run_until(cluster.time.now_ns() + 5000 * ms,
                                     [&] { return cluster.converged(); }));
        CHECK(buried_alive == 0);
        CHECK(returned == 0);
        CHECK(refuted <= cluster.hosts());
        CHECK(cluster.violations.empty());
    }
}

TEST_CASE("nodes that are far from each other do not take each other for dead") {
    // One way; there and back takes twice as long.
    for (const std::int64_t away_ms : {25, 50, 100, 200}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            INFO(away_ms << " ms one way, seed " << seed);
            auto how = settings_of(seed % 2 == 0 ? 3 : 5, seed);
            how.quality.delay_min_ns = (away_ms - 1) * ms;
            how.quality.delay_max_ns = (away_ms + 4) * ms;
            membership_cluster cluster(how);
            std::size_t suspected = 0;
            cluster.on_change = [&](host_id at, const change& what) {
                INFO("at node-" << at << ": " << what.record->name);
                CHECK(what.kind != change_kind::died);
                suspected += what.kind == change_kind::suspected;
            };
            REQUIRE(cluster.time.run_until(20'000 * ms, [&] { return cluster.converged(); }));
            cluster.time.run_for(5000 * ms);
            suspected = 0;
            cluster.time.run_for(30'000 * ms);
            CHECK(suspected == 0);
            // And one that dies is found.
            std::size_t knowing = 0;
            cluster.on_change = [&](host_id, const change& what) {
                knowing += what.kind == change_kind::died;
            };
            const auto killed_ns = cluster.time.now_ns();
            cluster.kill(0, membership_cluster::ending::silent);
            CHECK(cluster.time.run_until(killed_ns + 10'000 * ms,
                                         [&] { return knowing + 1 == cluster.hosts(); }));
            CHECK(cluster.time.now_ns() - killed_ns < (1000 + 20 * away_ms) * ms);
            CHECK(cluster.violations.empty());
        }
    }
}

TEST_CASE("a cluster of 200 that joins one node at 5% loss becomes one and stays calm") {
    auto how = settings_of(200, 3);
    how.quality.loss = 0.05;
    how.through_codec = how.check_views = false;
    membership_cluster cluster(how);
    REQUIRE(cluster.time.run_until(20'000 * ms, [&] { return cluster.converged(); }));
    std::size_t died = 0;
    cluster.on_change = [&](host_id, const change& what) {
        died += what.kind == change_kind::died;
    };
    cluster.time.run_for(10'000 * ms);
    CHECK(died == 0);
    CHECK(cluster.sent.updates_waiting_max <= how.how.updates_waiting_max);
}
