// SPDX-License-Identifier: Apache-2.0
#include "runtime/owner_lookup.hpp"

#include "cluster/served_set.hpp"

#include <utility>
#include <vector>

namespace dunlin::runtime {

void owner_lookup::seen(std::shared_ptr<const cluster_view> view) {
    std::vector<cluster::key_owners::member> members;
    for (const auto& each : view->members)
        members.push_back({each.instance, each.name, each.draining, each.serves});
    const std::lock_guard lock(mutex_);
    view_ = std::move(view);
    owners_.assign(std::move(members));
}

std::optional<cluster_member> owner_lookup::owner(std::string_view space, std::string_view key) {
    const std::lock_guard lock(mutex_);
    if (!view_) return std::nullopt;
    const auto instance = owners_.owner(cluster::owned_name({}, space), key);
    const auto* found = view_->find(instance);
    if (found == nullptr) return std::nullopt;
    return *found;
}

std::uint64_t owner_lookup::instance(std::string_view space, std::string_view key) {
    const std::lock_guard lock(mutex_);
    return owners_.owner(cluster::owned_name({}, space), key);
}

}  // namespace dunlin::runtime
