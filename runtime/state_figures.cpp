// SPDX-License-Identifier: Apache-2.0
#include "runtime/state_figures.hpp"

#include <cmath>
#include <cstdint>

namespace dunlin::runtime {

using nlohmann::json;

namespace {

const char* mode_name(std::uint32_t mode) noexcept {
    return mode == DUNLIN_STATE_EPHEMERAL ? "ephemeral"
           : mode == DUNLIN_STATE_RELAXED ? "relaxed"
                                          : "durable";
}

// The upper end of the bucket that the given part of them falls into; 0: there was nothing.
double quantile_us(const actors::latency_counts& counted, double part) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < actors::latency_counts::buckets; ++i) all += counted.count(i);
    const auto rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < actors::latency_counts::buckets && all != 0; ++i)
        if ((seen += counted.count(i)) >= rank)
            return static_cast<double>(actors::latency_counts::upper_ns(i)) / 1e3;
    return 0;
}

}  // namespace

json latency_list(const actors::latency_counts& counted) {
    json list = json::array();
    for (std::size_t i = 0; i < actors::latency_counts::buckets; ++i) {
        const auto upper_us = static_cast<double>(actors::latency_counts::upper_ns(i)) / 1e3;
        if (const auto count = counted.count(i); count != 0) list.push_back({upper_us, count});
    }
    return list;
}

json figures_of(const std::string& name, const actors::state_space& space) {
    const auto seen = space.look();
    return {{"space", name},
            {"mode", mode_name(space.how().mode)},
            {"refused", seen.refused.empty() ? json(nullptr) : json(seen.refused)},
            {"keys_in_memory", seen.keys},
            {"bytes_in_memory", seen.bytes},
            {"bytes_in_memory_max", space.how().bytes_max},
            {"waiting", seen.waiting},
            {"turns", seen.counted.turns},
            {"found", seen.counted.found},
            {"missed", seen.counted.missed},
            {"reads", seen.counted.reads},
            {"evicted", seen.counted.evicted},
            {"commits", seen.counted.commits},
            {"conflicts", seen.counted.conflicts},
            {"keys_offered", seen.counted.offered},
            {"keys_taken", seen.counted.taken},
            {"batches", seen.batches},
            {"batches_failed", seen.batches_failed},
            {"gate_p50_us", quantile_us(space.gate_waits(), 0.5)},
            {"gate_p99_us", quantile_us(space.gate_waits(), 0.99)},
            {"gate_us_max", static_cast<double>(seen.gate_ns_max) / 1e3},
            {"gate", latency_list(space.gate_waits())}};
}

json figures_of(const watched_store* store) {
    if (store == nullptr) return nullptr;
    const auto seen = store->look();
    return {{"name", store->describe()},
            {"shared", store->shared()},
            {"fails", seen.fails},
            {"writes", seen.writes},
            {"values_written", seen.values_written},
            {"write_failures", seen.write_failures},
            {"write_p50_us", quantile_us(store->write_times(), 0.5)},
            {"write_p99_us", quantile_us(store->write_times(), 0.99)},
            {"write_us_max", static_cast<double>(seen.write_ns_max) / 1e3},
            {"reads", seen.reads},
            {"values_read", seen.values_read},
            {"read_failures", seen.read_failures}};
}

}  // namespace dunlin::runtime
