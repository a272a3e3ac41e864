// SPDX-License-Identifier: Apache-2.0
#include "runtime/cluster/cluster_view.hpp"

namespace dunlin::runtime {

void cluster_view::assign_keys() {
    std::vector<std::string_view> names;
    const auto add = [&](bool draining) {
        for (const auto& each : members) {
            if (each.draining != draining) continue;
            names.push_back(each.name);
            owners.push_back(each.instance);
        }
    };
    owners.clear();
    add(false);
    if (owners.empty()) add(true);
    partitions = cluster::partition_map(names);
}

}  // namespace dunlin::runtime
