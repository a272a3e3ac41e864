// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/membership_scenario.hpp"

#include "tests/sim/membership_cluster.hpp"
#include "tests/sim/script.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::sim {
namespace {

using membership::change;
using membership::change_kind;

constexpr std::int64_t ms = 1'000'000;

class life {
public:
    explicit life(std::uint64_t seed)
        : random_(membership::mix(seed ^ 0x5ce9'a210)),
          cluster_(settings(seed)),
          script_(cluster_.time) {
        outcome_.wild = wild_;
        tell((wild_ ? "wild, " : "mild, ") + std::to_string(cluster_.hosts()) + " nodes, loss " +
             std::to_string(cluster_.network.quality.loss));
        cluster_.on_change = [this](host_id at, const change& what) { heed(at, what); };
        join_again();
    }

    scenario_outcome run() {
        // Joins meet losses, too.
        cluster_.time.run_for((wild_ ? between(0, 2000) : 3000) * ms);
        for (auto left = between(3, 12); left > 0; --left) {
            fault();
            cluster_.time.run_for((wild_ ? between(1, 1500) : between(1500, 2500)) * ms);
        }
        // What is under way ends by itself; then everybody who is down comes back.
        cluster_.time.run_for(6000 * ms);
        cluster_.network.mend();
        for (host_id at = 0; at < cluster_.hosts(); ++at) {
            cluster_.resume(at);
            if (cluster_[at].leaving) cluster_.kill(at, ending::silent);
            if (cluster_[at].node == nullptr && at % 2 == 0) start(at);
        }
        tell("all faults are over");
        const auto healed_ns = cluster_.time.now_ns();
        if (!cluster_.time.run_until(healed_ns + heal_ns_max,
                                     [&] { return cluster_.converged(); })) {
            problem("views differ " + std::to_string(heal_ns_max / ms) +
                    " ms after the last fault\n" + cluster_.views());
        }
        outcome_.heal_ns = cluster_.time.now_ns() - healed_ns;
        cluster_.time.run_for(2000 * ms);
        if (!wild_ && !cluster_.converged()) problem("one view became many\n" + cluster_.views());
        for (auto& each : cluster_.violations) problem(std::move(each));
        outcome_.steps = cluster_.time.handled();
        return std::move(outcome_);
    }

private:
    using ending = membership_cluster::ending;

    cluster_settings settings(std::uint64_t seed) {
        wild_ = seed % 2 == 0;
        cluster_settings how;
        how.hosts = static_cast<host_id>(between(2, wild_ ? 12 : 8));
        how.seed = seed;
        how.quality.loss = wild_ ? 0.01 * static_cast<double>(random_.below(11))
                                 : 0.005 * static_cast<double>(random_.below(3));
        how.quality.duplication = random_.chance(0.5) ? 0.02 : 0;
        how.quality.straggling = wild_ && random_.chance(0.5) ? 0.05 : 0;
        how.preloaded = random_.chance(0.3);
        return how;
    }

    std::int64_t between(std::uint32_t from, std::uint32_t to) {
        return from + random_.below(to - from + 1);
    }
    host_id any() { return random_.below(cluster_.hosts()); }

    void tell(const std::string& what) {
        outcome_.story += std::to_string(cluster_.time.now_ns() / ms) + " ms: " + what + "\n";
    }
    void problem(std::string what) {
        if (outcome_.problems.size() < 20) outcome_.problems.push_back(std::move(what));
    }

    void heed(host_id at, const change& what) {
        const auto instance = what.record->instance;
        if (what.kind == change_kind::died && !wild_ && cluster_.runs(instance)) {
            problem(std::to_string(cluster_.time.now_ns() / ms) + " ms: node-" +
                    std::to_string(at) + " declared " + what.record->name + " dead, which is not");
        }
        if (what.kind == change_kind::name_conflict) {
            problem("a name conflict where every name is one node's");
        }
        if (what.kind != change_kind::joined && what.kind != change_kind::suspected) {
            tell("  node-" + std::to_string(at) + ": " + what.record->name + " " +
                 std::string(to_string(what.kind)));
        }
    }

    void start(host_id at) {
        for (host_id i = 1; i <= cluster_.hosts(); ++i) {
            const auto through = (at + i) % cluster_.hosts();
            const auto& other = cluster_[through];
            if (through != at && (other.node == nullptr || other.paused || other.leaving)) continue;
            tell("start node-" + std::to_string(at) + " through node-" + std::to_string(through));
            cluster_.start(at, through);
            return;
        }
    }

    // What a node does with its --join addresses while it is alone.
    void join_again() {
        for (host_id at = 0; at < cluster_.hosts(); ++at) {
            const auto& host = cluster_[at];
            if (host.node == nullptr || host.leaving || host.node->living() > 1) continue;
            if (const auto to = any(); to != at && cluster_[to].node) cluster_.introduce(at, to);
        }
        script_.in(1000 * ms, [this] { join_again(); });
    }

    [[nodiscard]] std::size_t running() const {
        std::size_t count = 0;
        for (host_id at = 0; at < cluster_.hosts(); ++at)
            if (cluster_[at].node != nullptr && !cluster_[at].leaving) ++count;
        return count;
    }

    void fault() {
        const auto at = any();
        const auto& host = cluster_[at];
        const auto name = "node-" + std::to_string(at);
        if (host.node == nullptr) {
            if (running() > 0) start(at);
            return;
        }
        // One stays, so that there is a cluster to join.
        switch (random_.below(wild_ ? 9 : 5)) {
            case 0:
                if (running() < 2) return;
                tell("kill " + name);
                cluster_.kill(at, random_.chance(0.5) ? ending::silent : ending::connections_close);
                return;
            case 1: tell("drain " + name), cluster_.drain(at); return;
            case 2:
                if (running() < 2 || host.paused || host.leaving) return;
                tell("leave " + name);
                cluster_.leave(at);
                script_.in(1000 * ms, [this, at] {
                    if (cluster_[at].leaving) cluster_.kill(at, ending::connections_close);
                });
                return;
            case 3:
            case 4: pause(at, between(10, 300)); return;
            case 5: pause(at, between(300, 4000)); return;
            case 6: cut(random_.chance(0.5)); return;
            case 7:
                tell("clock of " + name + " leaps");
                cluster_.move_clock(at, (random_.chance(0.3) ? -1 : 1) * between(1, 5000) * ms);
                return;
            case 8:
                // A link comes up: nodes introduce themselves again.
                if (const auto to = any(); to != at && cluster_[to].node)
                    cluster_.introduce(at, to);
                return;
        }
    }

    void pause(host_id at, std::int64_t span_ms) {
        if (cluster_[at].paused) return;
        tell("pause node-" + std::to_string(at) + " for " + std::to_string(span_ms) + " ms");
        cluster_.pause(at);
        script_.in(span_ms * ms, [this, at] { cluster_.resume(at); });
    }

    void cut(bool one_way) {
        std::vector<bool> here;
        for (host_id at = 0; at < cluster_.hosts(); ++at) here.push_back(random_.chance(0.5));
        for (host_id a = 0; a < cluster_.hosts(); ++a)
            for (host_id b = 0; b < cluster_.hosts(); ++b)
                if (here[a] != here[b] && (!one_way || here[a])) cluster_.network.cut(a, b);
        const auto span_ms = between(100, 6000);
        tell((one_way ? "one-way cut for " : "two-way cut for ") + std::to_string(span_ms) + " ms");
        script_.in(span_ms * ms, [this] {
            tell("cuts are mended");
            cluster_.network.mend();
        });
    }

    membership::seeded_random random_;
    bool wild_ = false;
    scenario_outcome outcome_;
    membership_cluster cluster_;
    script script_;
};

}  // namespace

scenario_outcome run_membership_scenario(std::uint64_t seed) { return life(seed).run(); }

}  // namespace dunlin::sim
