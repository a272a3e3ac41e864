// SPDX-License-Identifier: Apache-2.0
#include "cluster/key_owners.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::cluster {

void key_owners::assign(std::vector<member> members) {
    std::sort(members.begin(), members.end(), [](const member& one, const member& other) {
        return one.name != other.name ? one.name < other.name : one.instance > other.instance;
    });
    members.erase(
        std::unique(members.begin(), members.end(),
                    [](const member& one, const member& other) { return one.name == other.name; }),
        members.end());
    members_ = std::move(members);
    by_function_.clear();
    maps_.clear();
}

key_owners::places key_owners::servers_of(std::uint32_t function) const {
    places found;
    for (const bool draining : {false, true}) {
        for (std::uint32_t at = 0; at < members_.size(); ++at) {
            const auto& each = members_[at];
            if (each.draining == draining && each.serves.may_serve(function)) found.push_back(at);
        }
        if (!found.empty()) break;
    }
    return found;
}

const key_owners::assignment& key_owners::assignment_of(std::uint32_t function) {
    if (const auto known = by_function_.find(function); known != by_function_.end())
        return *known->second;
    if (by_function_.size() >= functions_max || maps_.size() >= maps_max) {
        by_function_.clear();
        maps_.clear();
    }
    auto& assigned = *maps_.try_emplace(servers_of(function)).first;
    if (!assigned.second) {
        std::vector<std::string_view> names;
        for (const auto at : assigned.first) names.emplace_back(members_[at].name);
        assigned.second = std::make_unique<partition_map>(names);
    }
    by_function_.emplace(function, &assigned);
    return assigned;
}

std::uint64_t key_owners::owner(std::string_view function, std::string_view key) {
    return owner_of(function, partition_of(key));
}

std::uint64_t key_owners::owner_of(std::string_view function, std::uint32_t partition) {
    const auto& [servers, map] = assignment_of(served_set::hash_of(function));
    const auto at = map->owner_of(partition);
    return at == partition_map::none ? nobody : members_[servers[at]].instance;
}

}  // namespace dunlin::cluster
