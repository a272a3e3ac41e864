// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/call_scenario.hpp"

#include "tests/sim/script.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::sim {
namespace {

constexpr std::int64_t ms = 1'000'000;

const simulated_function function_of[] = {
    {"sim/again", true}, {"sim/once", false}, {"sim/keyed", false}, {"sim/outer", false}};
constexpr std::uint32_t functions = 4;

/// How one client calls.
struct habit {
    std::int64_t pause_ms_max = 50;  // between two bursts
    std::uint32_t burst_max = 4;
    std::uint32_t service_us_max = 5'000;
    bool hedge = false;
};

class life {
public:
    life(std::uint64_t seed, const mutations& without, std::size_t lanes)
        : random_(runtime::membership::mix(seed ^ 0xca11'5eed)),
          lanes_(lanes != 0                                           ? lanes
                 : runtime::membership::mix(seed ^ 0x1a'7e5) % 2 == 0 ? 1
                                                                      : 3),
          cluster_(settings(seed, without)),
          script_(cluster_.time) {
        outcome_.wild = wild_;
        tell((wild_ ? "wild, " : "mild, ") + std::to_string(cluster_.nodes()) + " nodes, " +
             std::to_string(cluster_.clients()) + " clients, " + std::to_string(lanes_) +
             (lanes_ == 1 ? " lane" : " lanes"));
        for (const auto& [at, function] : served_)
            tell("  n" + std::to_string(at) + " serves " + function);
        for (host_id at = 0; at < cluster_.nodes(); ++at) {
            cluster_.start_node(at);
            cluster_.time.run_for(between(0, 20) * ms);
        }
        for (host_id at = 0; at < cluster_.clients(); ++at) {
            habits_.push_back({between(5, 200), static_cast<std::uint32_t>(between(1, 12)),
                               random_.chance(0.2)   ? 100'000u
                               : random_.chance(0.5) ? 5'000u
                                                     : 500u,
                               random_.chance(0.25)});
            cluster_.start_client(at);
            go_on_calling(at);
        }
    }

    call_outcome run() {
        cluster_.time.run_for((wild_ ? between(0, 1500) : 1500) * ms);
        for (auto left = between(2, 8); left > 0; --left) {
            fault();
            cluster_.time.run_for((wild_ ? between(1, 1200) : between(1000, 2000)) * ms);
        }
        // What is under way ends by itself; then all faults are over.
        cluster_.time.run_for(4000 * ms);
        calling_ = false;
        cluster_.mend();
        for (host_id at = 0; at < cluster_.nodes(); ++at) {
            cluster_.resume(at);
            if (cluster_.node(at) == nullptr && (at % 2 == 0 || cluster_.running() == 0))
                start_node(at);
        }
        for (host_id at = 0; at < cluster_.clients(); ++at)
            if (cluster_.client(at) == nullptr) cluster_.start_client(at);
        tell("all faults are over");
        heal();
        last_calls();
        for (auto& each : cluster_.oracle.violations) problem(std::move(each));
        outcome_.calls = cluster_.oracle.counted();
        outcome_.steps = cluster_.time.handled();
        return std::move(outcome_);
    }

private:
    using ending = call_cluster::ending;

    call_cluster_settings settings(std::uint64_t seed, const mutations& without) {
        wild_ = seed % 2 == 0;
        call_cluster_settings how;
        how.seed = seed;
        how.without = without;
        how.lanes = lanes_;
        how.nodes.resize(static_cast<std::size_t>(between(1, 9)));
        how.clients = static_cast<host_id>(between(1, 4));
        for (std::uint32_t which = 0; which < functions; ++which) {
            // Everywhere, or on some.
            const double share = random_.chance(0.5) ? 1.0 : 0.5;
            bool any = false;
            for (auto& node : how.nodes) {
                if (!random_.chance(share)) continue;
                node.push_back(function_of[which]);
                any = true;
            }
            if (!any) how.nodes.front().push_back(function_of[which]);
        }
        for (std::size_t at = 0; at < how.nodes.size(); ++at)
            for (const auto& each : how.nodes[at]) served_.push_back({at, each.name});
        how.activations = static_cast<std::size_t>(between(1, 6));
        how.queue_depth_max = random_.chance(0.3) ? 2 : static_cast<std::size_t>(between(8, 64));
        if (random_.chance(0.2)) how.node_in_flight_max = static_cast<std::size_t>(between(2, 16));
        how.retries_max = retries_max_ = static_cast<std::uint32_t>(between(0, 4));
        how.quality.delay_min_ns = 20'000;
        how.quality.delay_max_ns = random_.chance(0.5) ? 300'000 : 5 * ms;
        how.quality.straggling = wild_ && random_.chance(0.5) ? 0.02 : 0;
        return how;
    }

    std::int64_t between(std::uint32_t from, std::uint32_t to) {
        return from + random_.below(to - from + 1);
    }
    host_id any_node() { return random_.below(cluster_.nodes()); }

    void tell(const std::string& what) {
        outcome_.story += std::to_string(cluster_.time.now_ns() / ms) + " ms: " + what + "\n";
    }
    void problem(std::string what) {
        if (outcome_.problems.size() < 20) outcome_.problems.push_back(std::move(what));
    }

    // -- calls -------------------------------------------------------------------------------

    void go_on_calling(host_id at) {
        if (!calling_) return;
        const auto& how = habits_[at];
        if (auto* client = cluster_.client(at); client != nullptr)
            for (auto left = between(1, how.burst_max); left > 0; --left) call(*client, how);
        script_.in(between(1, static_cast<std::uint32_t>(how.pause_ms_max)) * ms,
                   [this, at] { go_on_calling(at); });
    }

    void call(simulated_client& client, const habit& how) {
        const auto& function = function_of[random_.below(functions)];
        simulated_call what;
        what.function = function.name;
        what.idempotent = function.idempotent;
        if (function.name == "sim/keyed") what.key = "key-" + std::to_string(random_.below(20));
        if (function.name == "sim/outer")
            what.inner =
                random_.chance(0.5) ? call_order::inner_call::again : call_order::inner_call::once;
        what.timeout_ns = random_.chance(0.1) ? between(1, 50) * ms : between(200, 5000) * ms;
        what.service_us = random_.chance(0.2) ? 0 : random_.below(how.service_us_max);
        what.hedge = how.hedge;
        const auto ticket = client.call(what, [this, what](const auto& with) {
            if (!with) judge(what, with.error());
        });
        if (!random_.chance(0.03)) return;
        const auto number = client.number();
        script_.in(random_.below(40) * ms, [this, number, ticket] {
            for (host_id at = 0; at < cluster_.clients(); ++at)
                if (auto* each = cluster_.client(at); each != nullptr && each->number() == number)
                    each->cancel(ticket);
        });
    }

    // What callers may rely on while nodes and connections fail one at a time: whoever serves a
    // function for a while, and is well, is found; and a call that may be sent again is, to where
    // it is served.
    void judge(const simulated_call& what, const error& why) {
        if (wild_) return;
        const auto well = static_cast<std::size_t>(
            std::count_if(served_.begin(), served_.end(), [&](const auto& each) {
                return each.second == what.function &&
                       cluster_.well_for(static_cast<host_id>(each.first), 2000 * ms);
            }));
        // Nodes that refuse calls use up the budget of retries.
        const auto& codes = cluster_.oracle.counted().codes;
        const bool full = codes.count(errc::overloaded) != 0;
        const bool lost = why.code == errc::unavailable && retries_max_ >= 2 && well >= 2 &&
                          !full && !cluster_.had_outage() && what.timeout_ns >= 1000 * ms &&
                          (what.idempotent || why.did_not_run);
        if (!lost && (why.code != errc::not_found || well == 0)) return;
        problem(std::to_string(cluster_.time.now_ns() / ms) + " ms: " + std::to_string(well) +
                " nodes serve " + what.function + ", and a call of it ended with " +
                to_string(why));
    }

    // -- the end -----------------------------------------------------------------------------

    void heal() {
        const auto healed_ns = cluster_.time.now_ns();
        if (!cluster_.time.run_until(healed_ns + call_heal_ns_max,
                                     [&] { return cluster_.converged(); }))
            problem("views differ " + std::to_string(call_heal_ns_max / ms) +
                    " ms after the last fault\n" + cluster_.views());
        outcome_.heal_ns = cluster_.time.now_ns() - healed_ns;
        // Every call has ended by its deadline.
        cluster_.time.run_for(6000 * ms);
        if (cluster_.oracle.open() != 0)
            problem(std::to_string(cluster_.oracle.open()) + " calls have no answer");
        if (const auto left = cluster_.left_over(); !left.empty())
            problem("all calls have ended, and\n" + left);
    }

    // Whoever is left serves.
    void last_calls() {
        for (const auto& function : function_of) {
            const bool served = std::any_of(served_.begin(), served_.end(), [&](const auto& each) {
                return each.second == function.name &&
                       cluster_.node(static_cast<host_id>(each.first)) != nullptr;
            });
            if (!served) continue;
            for (host_id at = 0; at < cluster_.clients(); ++at) {
                simulated_call what;
                what.function = function.name;
                what.idempotent = function.idempotent;
                if (function.name == "sim/keyed") what.key = "key-" + std::to_string(at);
                what.timeout_ns = 3000 * ms;
                what.service_us = 100;
                cluster_.client(at)->call(what, [this, name = function.name, at](const auto& with) {
                    if (!with)
                        problem("after all faults a call of c" + std::to_string(at) + " to " +
                                name + " ends with " + to_string(with.error()));
                });
                cluster_.time.run_for(50 * ms);
            }
        }
        cluster_.time.run_for(3500 * ms);
        if (const auto left = cluster_.left_over(); !left.empty())
            problem("the last calls have ended, and\n" + left);
    }

    // -- faults ------------------------------------------------------------------------------

    void start_node(host_id at) {
        tell("start n" + std::to_string(at));
        cluster_.start_node(at);
    }

    void fault() {
        ++outcome_.faults;
        const auto at = any_node();
        const auto name = "n" + std::to_string(at);
        auto* node = cluster_.node(at);
        if (node == nullptr) return start_node(at);
        switch (random_.below(wild_ ? 12 : 8)) {
            case 0:
            case 1: {
                const auto how =
                    wild_ && random_.chance(0.4) ? ending::silent : ending::connections_close;
                tell((how == ending::silent ? "the host is gone of " : "kill ") + name);
                cluster_.kill_node(at, how);
                if (random_.chance(0.5))
                    script_.in(between(1, 3000) * ms, [this, at] {
                        if (cluster_.node(at) == nullptr) start_node(at);
                    });
                return;
            }
            case 2:
            case 3:
                if (cluster_.leaving(at) || cluster_.paused(at)) return;
                tell("drain " + name);
                cluster_.drain_node(at);
                script_.in(between(1000, 4000) * ms, [this, at] {
                    if (cluster_.node(at) == nullptr) start_node(at);
                });
                return;
            case 4: return pause(at, between(10, 300));
            case 5:
            case 6: tell("a connection breaks: " + cluster_.sockets.break_one()); return;
            case 7: return client_dies();
            case 8: return pause(at, between(300, wild_ ? 9000 : 300));
            case 9:
            case 10: return cut(random_.chance(0.5));
            default:
                tell("the clock of " + name + " leaps");
                return cluster_.move_clock(at,
                                           (random_.chance(0.3) ? -1 : 1) * between(1, 3000) * ms);
        }
    }

    void client_dies() {
        const auto at = random_.below(cluster_.clients());
        if (cluster_.client(at) == nullptr) return cluster_.start_client(at);
        const auto how = random_.chance(0.5) && wild_ ? ending::silent : ending::connections_close;
        tell("client c" + std::to_string(at) + " dies");
        cluster_.kill_client(at, how);
        script_.in(between(1, 1000) * ms, [this, at] {
            if (cluster_.client(at) == nullptr) cluster_.start_client(at);
        });
    }

    void pause(host_id at, std::int64_t span_ms) {
        if (cluster_.paused(at)) return;
        tell("pause n" + std::to_string(at) + " for " + std::to_string(span_ms) + " ms");
        cluster_.pause(at);
        script_.in(span_ms * ms, [this, at] { cluster_.resume(at); });
    }

    // Clients are on some side, too.
    void cut(bool one_way) {
        const auto hosts = cluster_.nodes() + cluster_.clients();
        std::vector<bool> here;
        for (host_id at = 0; at < hosts; ++at) here.push_back(random_.chance(0.5));
        for (host_id a = 0; a < hosts; ++a)
            for (host_id b = 0; b < hosts; ++b)
                if (here[a] != here[b] && (!one_way || here[a])) cluster_.cut(a, b);
        const auto span_ms = between(100, 9000);
        tell((one_way ? "one-way cut for " : "two-way cut for ") + std::to_string(span_ms) + " ms");
        script_.in(span_ms * ms, [this] {
            tell("cuts are mended");
            cluster_.mend();
        });
    }

    runtime::membership::seeded_random random_;
    std::size_t lanes_ = 1;
    bool wild_ = false;
    bool calling_ = true;
    std::uint32_t retries_max_ = 0;
    call_outcome outcome_;
    std::vector<std::pair<std::size_t, std::string>> served_;
    std::vector<habit> habits_;
    call_cluster cluster_;
    script script_;
};

}  // namespace

call_outcome run_call_scenario(std::uint64_t seed, const mutations& without, std::size_t lanes) {
    return life(seed, without, lanes).run();
}

}  // namespace dunlin::sim
