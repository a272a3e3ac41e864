// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/membership_measure.hpp"

#include "tests/sim/membership_cluster.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace dunlin::sim {
namespace {

using membership::change;
using membership::change_kind;

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t settle_ns = 2 * second_ns;
constexpr std::int64_t quiet_ns = 10 * second_ns;
constexpr std::int64_t known_ns_max = 60 * second_ns;

cluster_settings cluster_of(const measure_settings& how) {
    cluster_settings cluster;
    cluster.hosts = how.nodes;
    cluster.seed = how.seed;
    cluster.quality.loss = how.loss;
    cluster.preloaded = true;
    cluster.how.members_max = 65536;  // more than nodes have room for
    cluster.through_codec = false;
    cluster.check_views = false;
    return cluster;
}

}  // namespace

death_figures measure_deaths(const measure_settings& how, unsigned kills) {
    membership_cluster cluster(cluster_of(how));
    membership::seeded_random random(membership::mix(how.seed));
    death_figures figures;
    figures.nodes = how.nodes;
    figures.probe_period_ns = membership::options().probe_period_ns;

    cluster.time.run_for(settle_ns);
    const auto before = cluster.sent;
    cluster.time.run_for(quiet_ns);
    const auto node_s = static_cast<double>(how.nodes) *
                        (static_cast<double>(quiet_ns) / static_cast<double>(second_ns));
    figures.messages_per_node_s =
        static_cast<double>(cluster.sent.messages - before.messages) / node_s;
    figures.bytes_per_node_s = static_cast<double>(cluster.sent.bytes - before.bytes) / node_s;

    auto running = how.nodes;
    for (unsigned i = 0; i < kills && running > 2; ++i) {
        auto victim = random.below(how.nodes);
        while (cluster[victim].node == nullptr) victim = (victim + 1) % how.nodes;
        const auto instance = cluster[victim].instance;
        std::uint32_t knowing = 0;
        cluster.on_change = [&](host_id, const change& what) {
            if (what.kind == change_kind::died && what.record->instance == instance) ++knowing;
        };
        // Not in step with anybody's period.
        cluster.time.run_for(second_ns + random.below(200'000'000));
        const auto killed_ns = cluster.time.now_ns();
        cluster.kill(victim, membership_cluster::ending::silent);
        --running;
        if (cluster.time.run_until(killed_ns + known_ns_max, [&] { return knowing == running; })) {
            figures.known_ns.push_back(cluster.time.now_ns() - killed_ns);
        } else {
            ++figures.never_known;
        }
    }
    figures.message_bytes_max = cluster.sent.message_bytes_max;
    std::sort(figures.known_ns.begin(), figures.known_ns.end());
    return figures;
}

soak_figures soak(const measure_settings& how, double node_hours,
                  const std::function<bool(const soak_figures&)>& progress) {
    membership_cluster cluster(cluster_of(how));
    std::set<std::pair<membership::instance_id, membership::incarnation_number>> condemned;
    cluster.on_change = [&](host_id, const change& what) {
        if (what.kind == change_kind::died) {
            condemned.emplace(what.record->instance, what.incarnation);
        }
    };
    soak_figures figures;
    const auto node_hours_a_step = static_cast<double>(how.nodes) * 10 / 3600;
    while (figures.node_hours < node_hours) {
        cluster.time.run_for(10 * second_ns);
        figures.node_hours += node_hours_a_step;
        figures.messages = cluster.sent.messages;
        figures.false_deaths = condemned.size();
        figures.probes = figures.probes_failed = figures.suspicions = 0;
        for (host_id at = 0; at < cluster.hosts(); ++at) {
            const auto& counted = cluster.node(at).counted();
            figures.probes += counted.probes;
            figures.probes_failed += counted.probes_failed;
            figures.suspicions += counted.suspicions;
        }
        if (!progress(figures)) break;
    }
    return figures;
}

}  // namespace dunlin::sim
