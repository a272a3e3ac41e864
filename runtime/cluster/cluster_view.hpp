// SPDX-License-Identifier: Apache-2.0
//
// The living members of the cluster at one moment, as the membership of this node sees them, and
// who of them owns which keys.
//
// Made by the membership whenever something changes, shared by everybody who routes, and never
// changed afterwards. Sorted by name, so that nodes with equal members have equal views. Any
// thread.
#pragma once

#include "cluster/rendezvous.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

struct cluster_member {
    std::uint64_t instance = 0;
    std::string name;
    std::vector<std::string> endpoints;  // of its lanes
    bool draining = false;
};

struct cluster_view {
    /// Finds the owners of keys once the members are complete: those that do not drain, or all if
    /// all do.
    void assign_keys();

    [[nodiscard]] const cluster_member* find(std::uint64_t instance) const noexcept {
        for (const auto& each : members)
            if (each.instance == instance) return &each;
        return nullptr;
    }
    /// The instance of the key's owner; 0 if there are no members.
    [[nodiscard]] std::uint64_t owner(std::string_view key) const noexcept {
        const auto index = partitions.owner(key);
        return index == cluster::partition_map::none ? 0 : owners[index];
    }

    std::uint64_t number = 0;             // grows with every change
    std::vector<cluster_member> members;  // this node too
    std::vector<std::uint64_t> owners;    // instances, as the partitions count them
    cluster::partition_map partitions;
};

}  // namespace dunlin::runtime
