// SPDX-License-Identifier: Apache-2.0
#include "runtime/owned_keys.hpp"

#include "cluster/key_owners.hpp"
#include "cluster/rendezvous.hpp"
#include "cluster/served_set.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::runtime {
namespace {

std::uint64_t number_of(const cluster_view& view) {
    std::vector<const cluster_member*> members;
    for (const auto& each : view.members) members.push_back(&each);
    std::sort(members.begin(), members.end(),
              [](const auto* one, const auto* other) { return one->instance < other->instance; });
    std::string all;
    for (const auto* each : members) {
        all += std::to_string(each->instance);
        all += each->draining ? " drains " : " serves ";
        all += as_text(each->serves.view());
    }
    return std::max<std::uint64_t>(cluster::name_hash(all), 1);
}

}  // namespace

std::shared_ptr<const actors::owner_view> owners_in(const cluster_view& view,
                                                    const actors::hot_state& state,
                                                    std::uint64_t node) {
    auto made = std::make_shared<actors::owner_view>();
    made->number = number_of(view);
    cluster::key_owners owners;
    std::vector<cluster::key_owners::member> members;
    for (const auto& each : view.members)
        members.push_back({each.instance, each.name, each.draining, each.serves});
    owners.assign(std::move(members));
    for (const auto& [name, space] : state.spaces()) {
        if (space->sharing() == nullptr) continue;
        const auto owned_as = cluster::owned_name({}, name);
        auto& mine = made->mine[name];
        for (std::uint32_t at = 0; at < cluster::partition_count; ++at)
            mine[at] = owners.owner_of(owned_as, at) == node;
    }
    return made;
}

}  // namespace dunlin::runtime
