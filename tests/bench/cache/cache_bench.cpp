// SPDX-License-Identifier: Apache-2.0
//
// How well policies keep what will be wanted again, and what they cost: `./dev bench cache`.
//
// Hit ratios come from counting and are the same on every machine; times are this machine's.
// Exit status: 0 when the policy in use is where it should be beside LRU, 1 when it is not.
#include "actors/state/replacement_policy.hpp"
#include "tests/bench/cache/lru_policy.hpp"
#include "tests/bench/cache/replay.hpp"
#include "tests/bench/cache/tinylfu_policy.hpp"
#include "tests/bench/cache/traces.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace dunlin;
using namespace dunlin::bench;
using actors::cache_slot;
using actors::replacement_policy;
using actors::replacement_tuning;

/// As in the papers, apart from what is the same for all here (bytes, ghosts, looks).
constexpr replacement_tuning s3_fifo{
    .ghost_share = 0.9, .small_window = 0, .main_window = 0, .promote_at = 2, .uses_max = 3};
constexpr replacement_tuning clock2q_plus{
    .ghost_share = 0.5, .small_window = 0.5, .main_window = 0, .promote_at = 1, .uses_max = 1};

struct cost {
    double touched_ns = 0;
    double replaced_ns = 0;  // together with three uses
    double bytes_an_entry = 0;
};

struct contestant {
    std::string name;
    std::function<double(const cache_trace&)> hits;
    std::function<cost()> cost_of;
};

// -- what operations cost -------------------------------------------------------------------------

constexpr std::size_t cost_entries = 16'384;  // a shard of a cache of a quarter of a million
constexpr std::size_t cost_entry_bytes = 256;
constexpr std::size_t cost_rounds = 4'000'000;

// Of the quickest of several parts: others on the machine can only make one slower.
template <class Operation>
double nanoseconds_each(std::size_t times, Operation&& operation) {
    constexpr std::size_t parts = 32;
    auto least = std::chrono::duration<double, std::nano>::max();
    for (std::size_t at = 0, part = 1; part <= parts; ++part) {
        const auto begun = std::chrono::steady_clock::now();
        for (; at < part * (times / parts); ++at) operation(at);
        least = std::min<std::chrono::duration<double, std::nano>>(
            least, std::chrono::steady_clock::now() - begun);
    }
    const auto of_a_part = times / parts;
    return least.count() / static_cast<double>(of_a_part);
}

// Slots in an order that no prefetcher guesses. Drawn before, so that drawing costs nothing.
std::vector<cache_slot> random_slots() {
    std::vector<cache_slot> drawn(std::size_t{1} << 16);
    for (std::size_t at = 0; at < drawn.size(); ++at)
        drawn[at] =
            static_cast<cache_slot>(hash_of_key(static_cast<std::uint32_t>(at)) % cost_entries);
    return drawn;
}

template <class Policy>
cost measure(Policy& policy) {
    cost measured;
    for (cache_slot slot = 0; slot < cost_entries; ++slot)
        policy.insert(slot, hash_of_key(slot), cost_entry_bytes);
    const auto slots = random_slots();
    measured.touched_ns = nanoseconds_each(
        cost_rounds, [&](std::size_t at) { policy.touched(slots[at % slots.size()]); });
    // One in, one out, and three uses of others: a hit ratio of three quarters.
    cache_slot next = cost_entries;
    measured.replaced_ns = nanoseconds_each(cost_rounds / 4, [&](std::size_t at) {
        policy.insert(next, hash_of_key(static_cast<std::uint32_t>(cost_entries + at)),
                      cost_entry_bytes);
        const auto inserted = next;
        next = policy.victim([inserted](cache_slot slot) { return slot == inserted; });
        for (std::size_t use = 0; use < 3; ++use) {
            const auto slot = slots[(3 * at + use) % slots.size()];
            if (slot != next) policy.touched(slot);
        }
    });
    measured.bytes_an_entry = static_cast<double>(policy.memory_bytes()) / cost_entries;
    return measured;
}

// -- who takes part -------------------------------------------------------------------------------

constexpr std::size_t cost_budget = cost_entries * cost_entry_bytes;

contestant tuned(std::string name, const replacement_tuning& tuning) {
    return {std::move(name),
            [tuning](const cache_trace& trace) {
                replacement_policy policy(trace.budget_bytes, tuning);
                return hit_percentage(policy, trace);
            },
            [tuning] {
                replacement_policy policy(cost_budget, tuning);
                return measure(policy);
            }};
}

std::vector<contestant> contestants() {
    return {{"LRU",
             [](const cache_trace& trace) {
                 lru_policy policy(trace.budget_bytes);
                 return hit_percentage(policy, trace);
             },
             [] {
                 lru_policy policy(cost_budget);
                 return measure(policy);
             }},
            tuned("S3-FIFO", s3_fifo),
            tuned("Clock2Q+", clock2q_plus),
            {"W-TinyLFU",
             [](const cache_trace& trace) {
                 tinylfu_policy policy(trace.budget_bytes, trace.keys / 10);
                 return hit_percentage(policy, trace);
             },
             [] {
                 tinylfu_policy policy(cost_budget, cost_entries);
                 return measure(policy);
             }},
            tuned("in use", {})};
}

// -- the report -----------------------------------------------------------------------------------

struct row {
    cache_trace trace;
    std::optional<double> above_lru_min;  // points that the policy in use has to be above it
};

std::vector<row> rows(const trace_size& size) {
    std::vector<row> all;
    all.push_back({zipf_trace(size), 9.0});
    all.push_back({scan_trace(size), 0.1});
    all.push_back({burst_trace(size, 1), 0.0});
    all.push_back({burst_trace(size, 32), 0.0});
    all.push_back({burst_trace(size, 512), 0.0});
    all.push_back({loop_trace(size), {}});
    all.push_back({mixed_trace(size), {}});
    all.push_back({drift_trace(size), {}});
    return all;
}

bool report(const trace_size& size) {
    const auto all = contestants();
    std::printf(
        "hits of a hundred requests, the cache has a tenth of the footprint; %zu requests, seed "
        "%llu\n\n",
        size.requests, static_cast<unsigned long long>(size.seed));
    std::printf("%-22s", "");
    for (const auto& each : all) std::printf("%12s", each.name.c_str());
    std::printf("%12s%10s\n", "over LRU", "target");
    bool met = true;
    for (const auto& [trace, least] : rows(size)) {
        std::printf("%-22s", trace.name.c_str());
        std::vector<double> hits;
        for (const auto& each : all) {
            hits.push_back(each.hits(trace));
            std::printf("%12.2f", hits.back());
        }
        const auto above = hits.back() - hits.front();
        std::printf("%+12.2f", above);
        if (least) std::printf("%+10.1f %s", *least, above >= *least ? "ok" : "short");
        if (least && above < *least) met = false;
        std::printf("\n");
    }
    std::printf("\n%-22s", "ns, used again");
    std::vector<cost> costs;
    for (const auto& each : all) costs.push_back(each.cost_of());
    for (const auto& each : costs) std::printf("%12.1f", each.touched_ns);
    std::printf("\n%-22s", "... 3 used, 1 replaced");
    for (const auto& each : costs) std::printf("%12.1f", each.replaced_ns);
    std::printf("\n%-22s", "bytes an entry");
    for (const auto& each : costs) std::printf("%12.1f", each.bytes_an_entry);
    std::printf("\n");
    return met;
}

template <class Number>
bool read_number(std::string_view text, Number& to) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), to);
    return problem == std::errc{} && end == text.data() + text.size() && to > 0;
}

}  // namespace

int main(int argc, char** argv) {
    trace_size size;
    for (int at = 1; at < argc; at += 2) {
        const std::string_view option = argv[at];
        const std::string_view value = at + 1 < argc ? argv[at + 1] : "";
        if ((option != "--requests" || !read_number(value, size.requests)) &&
            (option != "--seed" || !read_number(value, size.seed))) {
            std::fprintf(stderr, "usage: dunlin_cache_bench [--requests N] [--seed N]\n");
            return 2;
        }
    }
    return report(size) ? 0 : 1;
}
