// SPDX-License-Identifier: Apache-2.0
//
// How membership behaves in large clusters: how soon a death is known, what it costs, and how
// often the living are declared dead.
//
// Pure functions of their settings and seed; progress is the caller's business.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dunlin::sim {

struct measure_settings {
    std::uint32_t nodes = 1000;
    double loss = 0.05;
    std::uint64_t seed = 1;
};

struct death_figures {
    std::uint32_t nodes = 0;
    std::int64_t probe_period_ns = 0;
    std::vector<std::int64_t> known_ns;  // for each kill, ascending: until the last one knew
    double messages_per_node_s = 0;      // without faults
    double bytes_per_node_s = 0;
    std::uint64_t message_bytes_max = 0;
    std::uint64_t never_known = 0;  // kills that not all knew of within 60 s

    [[nodiscard]] double periods(std::int64_t ns) const noexcept {
        return static_cast<double>(ns) / static_cast<double>(probe_period_ns);
    }
    [[nodiscard]] std::int64_t median_ns() const noexcept {
        return known_ns.empty() ? 0 : known_ns[known_ns.size() / 2];
    }
    [[nodiscard]] std::int64_t max_ns() const noexcept {
        return known_ns.empty() ? 0 : known_ns.back();
    }
};

/// Kills members one after another, in silence.
[[nodiscard]] death_figures measure_deaths(const measure_settings& how, unsigned kills);

struct soak_figures {
    double node_hours = 0;
    std::uint64_t messages = 0;
    std::uint64_t probes = 0;
    std::uint64_t probes_failed = 0;
    std::uint64_t suspicions = 0;    // of living members, all refuted unless they died of it
    std::uint64_t false_deaths = 0;  // a living member declared dead, by however many
};

/// Nothing happens but losses. `progress` is called now and then with what there is so far, and
/// ends the soak by returning false.
[[nodiscard]] soak_figures soak(const measure_settings& how, double node_hours,
                                const std::function<bool(const soak_figures&)>& progress);

/// How long until a death is known everywhere, over the number of nodes, as an SVG picture.
[[nodiscard]] std::string death_chart(const std::vector<death_figures>& rows, double loss);

}  // namespace dunlin::sim
