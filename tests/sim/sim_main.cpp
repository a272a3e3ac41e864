// SPDX-License-Identifier: Apache-2.0
//
// The program behind `./dev sim`: many random lives of small clusters, of their membership alone,
// of calls in them and of state, then large clusters, then a soak that counts the living who are
// declared dead.
#include "tests/sim/call_scenario.hpp"
#include "tests/sim/membership_measure.hpp"
#include "tests/sim/membership_scenario.hpp"
#include "tests/sim/state_life.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace dunlin::sim;
using clock_type = std::chrono::steady_clock;

struct arguments {
    std::uint64_t seeds = 1000;
    std::uint64_t state_lives = 1000;
    std::uint64_t first_seed = 1;
    bool story = false;
    std::size_t lanes = 0;
    std::vector<std::uint32_t> nodes = {10, 100, 1000, 10000};
    unsigned kills = 11;
    double loss = 0.05;
    std::uint32_t soak_nodes = 1000;
    double soak_node_hours = 10'000;
    unsigned threads = std::max(1u, std::thread::hardware_concurrency());
    std::string chart;
};

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

void report_failure(std::uint64_t seed, const scenario_outcome& outcome) {
    std::printf("seed %llu fails:\n", static_cast<unsigned long long>(seed));
    for (const auto& each : outcome.problems) std::printf("  %s\n", each.c_str());
    std::printf("to see it again: DUNLIN_SIM_SEED=%llu build/dev/bin/dunlin_sim_tests\n",
                static_cast<unsigned long long>(seed));
}

bool run_seeds(const arguments& how) {
    if (how.seeds == 0) return true;
    const auto start = clock_type::now();
    std::uint64_t failed = 0;
    std::uint64_t steps = 0;
    std::int64_t heal_ns = 0;
    for (std::uint64_t i = 0; i < how.seeds; ++i) {
        const auto outcome = run_membership_scenario(how.first_seed + i);
        steps += outcome.steps;
        heal_ns = std::max(heal_ns, outcome.heal_ns);
        if (!outcome.problems.empty() && ++failed <= 10) {
            report_failure(how.first_seed + i, outcome);
        }
        if ((i + 1) % std::max<std::uint64_t>(how.seeds / 10, 1) == 0) {
            std::fprintf(stderr, "seeds %llu of %llu, %llu failed, %.0f s\n",
                         static_cast<unsigned long long>(i) + 1,
                         static_cast<unsigned long long>(how.seeds),
                         static_cast<unsigned long long>(failed), seconds_since(start));
        }
    }
    std::printf(
        "random lives of clusters: %llu seeds, %llu failed, %.1f million events, one view "
        "at most %.2f s after the last fault\n\n",
        static_cast<unsigned long long>(how.seeds), static_cast<unsigned long long>(failed),
        static_cast<double>(steps) / 1e6, static_cast<double>(heal_ns) / 1e9);
    return failed == 0;
}

/// What the lives of one kind, mild or wild, came to.
struct life_figures {
    std::uint64_t lives = 0;
    std::uint64_t failed = 0;
    std::uint64_t faults = 0;
    std::uint64_t steps = 0;
    std::int64_t heal_ns = 0;
    call_oracle::counts calls;

    void add(const call_outcome& life) {
        ++lives;
        failed += life.problems.empty() ? 0 : 1;
        faults += life.faults;
        steps += life.steps;
        heal_ns = std::max(heal_ns, life.heal_ns);
        calls += life.calls;
    }
    void print(const char* name) const {
        const auto u = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
        std::printf("| %s | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %.2f s |\n",
                    name, u(lives), u(failed), u(faults), u(calls.calls), u(calls.values),
                    u(calls.errors), u(calls.orphaned), u(calls.repeated),
                    static_cast<double>(heal_ns) / 1e9);
    }
};

bool run_call_seeds(const arguments& how) {
    if (how.seeds == 0) return true;
    const auto start = clock_type::now();
    life_figures mild, wild;
    std::mutex adding;
    std::uint64_t next = 0;
    const auto live = [&] {
        for (;;) {
            std::uint64_t seed = 0;
            {
                const std::lock_guard lock(adding);
                if (next == how.seeds) return;
                seed = how.first_seed + next++;
            }
            const auto outcome = run_call_scenario(seed, {}, how.lanes);
            const std::lock_guard lock(adding);
            (outcome.wild ? wild : mild).add(outcome);
            if (how.story) std::printf("%s", outcome.story.c_str());
            if (!outcome.problems.empty() && mild.failed + wild.failed <= 10) {
                std::printf("seed %llu fails:\n", static_cast<unsigned long long>(seed));
                for (const auto& each : outcome.problems) std::printf("  %s\n", each.c_str());
                std::printf(
                    "to see it again: ./dev sim --seeds 1 --seed %llu --story --nodes 0 --soak 0\n",
                    static_cast<unsigned long long>(seed));
                std::fflush(stdout);
            }
            const auto lives = mild.lives + wild.lives;
            const auto failed = mild.failed + wild.failed;
            if (lives % std::max<std::uint64_t>(how.seeds / 10, 1) == 0)
                std::fprintf(stderr, "calls: seeds %llu of %llu, %llu failed, %.0f s\n",
                             static_cast<unsigned long long>(lives),
                             static_cast<unsigned long long>(how.seeds),
                             static_cast<unsigned long long>(failed), seconds_since(start));
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < how.threads; ++i) threads.emplace_back(live);
    for (auto& each : threads) each.join();
    std::printf(
        "calls in random lives of clusters\n\n"
        "| lives | seeds | failed | faults | calls | answered with a value | with an error | "
        "client died first | ran again | healed within |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n");
    mild.print("mild");
    wild.print("wild");
    std::printf("\nerrors:");
    auto codes = mild.calls.codes;
    for (const auto& [code, times] : wild.calls.codes) codes[code] += 0;
    for (const auto& [code, times] : codes)
        std::printf(" %s %llu mild, %llu wild;", std::string(to_string(code)).c_str(),
                    static_cast<unsigned long long>(mild.calls.codes[code]),
                    static_cast<unsigned long long>(wild.calls.codes[code]));
    std::printf("\n");
    const auto s = seconds_since(start);
    std::printf("\n%.1f million events in %.0f s, %.1f seeds per second\n\n",
                static_cast<double>(mild.steps + wild.steps) / 1e6, s,
                static_cast<double>(how.seeds) / s);
    return mild.failed + wild.failed == 0;
}

/// What the lives of one kind, with a store of their own or a shared one, came to.
struct state_figures {
    std::uint64_t lives = 0;
    std::uint64_t failed = 0;
    state_outcome all;

    void add(const state_outcome& life) {
        ++lives;
        failed += life.problems.empty() ? 0 : 1;
        all.calls += life.calls;
        all.answered += life.answered;
        all.unknown += life.unknown;
        all.not_run += life.not_run;
        all.deaths += life.deaths;
        all.moves += life.moves;
        all.store_failures += life.store_failures;
        all.conflicts += life.conflicts;
        all.evicted += life.evicted;
        all.keys += life.keys;
        all.steps += life.steps;
    }
    void print(const char* name) const {
        const auto u = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
        std::printf(
            "| %s | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %llu |\n", name,
            u(lives), u(failed), u(all.keys), u(all.calls), u(all.answered), u(all.unknown),
            u(all.deaths), u(all.moves), u(all.store_failures), u(all.conflicts));
    }
};

bool run_state_seeds(const arguments& how) {
    if (how.state_lives == 0) return true;
    const auto start = clock_type::now();
    state_figures alone, shared;
    std::mutex adding;
    std::uint64_t next = 0;
    const auto live = [&] {
        for (;;) {
            std::uint64_t seed = 0;
            {
                const std::lock_guard lock(adding);
                if (next == how.state_lives) return;
                seed = how.first_seed + next++;
            }
            const auto outcome = run_state_life(seed);
            const std::lock_guard lock(adding);
            (outcome.shared ? shared : alone).add(outcome);
            if (how.story) std::printf("%s", outcome.story.c_str());
            if (!outcome.problems.empty() && alone.failed + shared.failed <= 10) {
                std::printf("seed %llu fails:\n", static_cast<unsigned long long>(seed));
                for (const auto& each : outcome.problems) std::printf("  %s\n", each.c_str());
                std::printf(
                    "to see it again: ./dev sim --seeds 0 --state-lives 1 --seed %llu --story "
                    "--nodes 0 --soak 0\n",
                    static_cast<unsigned long long>(seed));
                std::fflush(stdout);
            }
            const auto lives = alone.lives + shared.lives;
            if (lives % std::max<std::uint64_t>(how.state_lives / 10, 1) == 0)
                std::fprintf(stderr, "state: seeds %llu of %llu, %llu failed, %.0f s\n",
                             static_cast<unsigned long long>(lives),
                             static_cast<unsigned long long>(how.state_lives),
                             static_cast<unsigned long long>(alone.failed + shared.failed),
                             seconds_since(start));
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < how.threads; ++i) threads.emplace_back(live);
    for (auto& each : threads) each.join();
    std::printf(
        "state in random lives of a store that fails\n\n"
        "| nodes | seeds | failed | keys | calls | answered | may have happened | deaths | moves "
        "of "
        "keys | failures of the store | conflicts |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|\n");
    alone.print("one, its own store");
    shared.print("two or three, one store");
    std::printf("\n%.1f million events in %.0f s\n\n",
                static_cast<double>(alone.all.steps + shared.all.steps) / 1e6,
                seconds_since(start));
    return alone.failed + shared.failed == 0;
}

bool measure(const arguments& how) {
    if (how.nodes.empty()) return true;
    std::vector<death_figures> rows;
    std::printf(
        "silent deaths, %.0f%% loss, 0 to 5 ms delay, %u kills each; protocol period 100 "
        "ms\n\n",
        how.loss * 100, how.kills);
    std::printf(
        "| nodes | log2 | known everywhere, median | slowest | messages per node and s | "
        "bytes per node and s | longest message |\n");
    std::printf("|---|---|---|---|---|---|---|\n");
    bool all_known = true;
    for (const auto nodes : how.nodes) {
        const auto start = clock_type::now();
        const auto row = measure_deaths({nodes, how.loss, how.first_seed}, how.kills);
        std::printf(
            "| %u | %.1f | %.1f periods, %.0f ms | %.1f periods, %.0f ms | %.1f | %.0f | "
            "%llu |\n",
            nodes, std::log2(nodes), row.periods(row.median_ns()),
            static_cast<double>(row.median_ns()) / 1e6, row.periods(row.max_ns()),
            static_cast<double>(row.max_ns()) / 1e6, row.messages_per_node_s, row.bytes_per_node_s,
            static_cast<unsigned long long>(row.message_bytes_max));
        std::fflush(stdout);
        std::fprintf(stderr, "%u nodes took %.0f s\n", nodes, seconds_since(start));
        if (row.never_known != 0) {
            all_known = false;
            std::printf("%llu deaths were not known everywhere within 60 s\n",
                        static_cast<unsigned long long>(row.never_known));
        }
        rows.push_back(row);
    }
    if (!how.chart.empty()) {
        std::ofstream(how.chart) << death_chart(rows, how.loss);
        std::printf("\nchart: %s\n", how.chart.c_str());
    }
    std::printf("\n");
    return all_known;
}

bool run_soak(const arguments& how) {
    if (how.soak_node_hours <= 0) return true;
    const auto start = clock_type::now();
    std::mutex printing;
    std::vector<std::future<soak_figures>> parts;
    const auto share = how.soak_node_hours / how.threads;
    for (unsigned i = 0; i < how.threads; ++i) {
        parts.push_back(std::async(std::launch::async, [&, i] {
            double next = share / 10;
            return soak({how.soak_nodes, how.loss, how.first_seed + 1000 + i}, share,
                        [&](const soak_figures& so_far) {
                            if (so_far.node_hours < next) return true;
                            next += share / 10;
                            const std::lock_guard lock(printing);
                            std::fprintf(stderr,
                                         "soak %u: %.0f of %.0f node-hours, %llu suspicions, %llu "
                                         "false deaths, %.0f s\n",
                                         i, so_far.node_hours, share,
                                         static_cast<unsigned long long>(so_far.suspicions),
                                         static_cast<unsigned long long>(so_far.false_deaths),
                                         seconds_since(start));
                            return true;
                        });
        }));
    }
    soak_figures all;
    for (auto& each : parts) {
        const auto part = each.get();
        all.node_hours += part.node_hours;
        all.messages += part.messages;
        all.probes += part.probes;
        all.probes_failed += part.probes_failed;
        all.suspicions += part.suspicions;
        all.false_deaths += part.false_deaths;
    }
    std::printf(
        "soak: %u clusters of %u nodes, %.0f%% loss: %.0f node-hours, %.1f million probes, "
        "%.1f million messages, %llu suspicions of the living, %llu false deaths (%.2f per "
        "10,000 node-hours), %.0f s\n",
        how.threads, how.soak_nodes, how.loss * 100, all.node_hours,
        static_cast<double>(all.probes) / 1e6, static_cast<double>(all.messages) / 1e6,
        static_cast<unsigned long long>(all.suspicions),
        static_cast<unsigned long long>(all.false_deaths),
        static_cast<double>(all.false_deaths) / all.node_hours * 10'000, seconds_since(start));
    return static_cast<double>(all.false_deaths) / all.node_hours * 10'000 < 1;
}

}  // namespace

int main(int argc, char** argv) {
    arguments how;
    CLI::App app("Runs clusters in virtual time and checks what must hold.");
    app.add_option("--seeds", how.seeds, "Random lives of small clusters; 0: none")
        ->capture_default_str();
    app.add_option("--seed", how.first_seed, "The first of them, and of lives with state")
        ->capture_default_str();
    app.add_option("--state-lives", how.state_lives,
                   "Random lives of keyed calls and a store that fails; 0: none")
        ->capture_default_str();
    app.add_option("--lanes", how.lanes,
                   "Of each node in lives with calls; 0: one or three, by seed")
        ->check(CLI::Range(0, 64))
        ->capture_default_str();
    app.add_flag("--story", how.story, "Tells what happened in each life with calls or state");
    app.add_option("--nodes", how.nodes, "Sizes of large clusters, e.g. 1000,10000; 0: none")
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--kills", how.kills, "Deaths in each of them")->capture_default_str();
    app.add_option("--loss", how.loss, "Share of messages that are lost, there and in the soak")
        ->check(CLI::Range(0.0, 0.9))
        ->capture_default_str();
    app.add_option("--soak", how.soak_node_hours,
                   "Node-hours of a cluster that only loses messages; 0: none")
        ->capture_default_str();
    app.add_option("--soak-nodes", how.soak_nodes, "Its size")
        ->check(CLI::Range(2, 20'000))
        ->capture_default_str();
    app.add_option("--threads", how.threads,
                   "Lives, and clusters that are soaked, at the same time")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option("--chart", how.chart, "Where the SVG picture goes; none by default");
    CLI11_PARSE(app, argc, argv);
    std::erase_if(how.nodes, [](std::uint32_t each) { return each < 2; });

    const bool lives = run_seeds(how);
    const bool calls = run_call_seeds(how);
    const bool states = run_state_seeds(how);
    const bool known = measure(how);
    const bool soaked = run_soak(how);
    return lives && calls && states && known && soaked ? 0 : 1;
}
