// SPDX-License-Identifier: Apache-2.0
#include "cluster/wanted_nodes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace dunlin::cluster {

namespace {

/// Nodes for so much use. A rest that comes from adding shares up is no node.
std::uint32_t nodes_for(double use) noexcept {
    constexpr double rounding = 1e-6;
    return static_cast<std::uint32_t>(std::max(std::ceil(use / target_share - rounding), 1.0));
}

std::string sentence(double used, std::size_t nodes) {
    std::array<char, 160> text{};
    std::snprintf(
        text.data(), text.size(),
        "functions use %.0f%% of one node's time on %zu node%s, and %.0f%% of each is meant",
        100 * used, nodes, nodes == 1 ? "" : "s", 100 * target_share);
    return text.data();
}

}  // namespace

wanted_nodes nodes_wanted(std::span<const node_use> members) {
    double used = 0;
    double queued = 0;
    std::uint32_t serving = 0;
    bool refuses = false;
    for (const auto& each : members) {
        // The 0 first: a NaN comes out as that.
        used += std::min(std::max(0.0, each.used), 1.0);
        const auto wait_ns = std::max<std::int64_t>(each.wait_ns, 0);
        queued += static_cast<double>(wait_ns) / static_cast<double>(drain_ns);
        refuses = refuses || each.refuses;
        serving += each.draining ? 0 : 1;
    }
    auto reason = sentence(used, members.size());
    wanted_nodes wanted{nodes_for(used), {}};
    const auto most = static_cast<std::uint32_t>(growth_max * std::max(serving, 1U));
    const auto with_queues = std::min(nodes_for(used + queued), std::max(most, wanted.count));
    if (with_queues > wanted.count) {
        wanted.count = with_queues;
        reason += "; calls queue";
    }
    if (refuses && wanted.count <= serving) {
        wanted.count = serving + 1;
        reason += "; calls were refused";
    }
    wanted.reason = std::move(reason);
    return wanted;
}

}  // namespace dunlin::cluster
