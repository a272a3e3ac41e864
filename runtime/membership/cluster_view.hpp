// SPDX-License-Identifier: Apache-2.0
//
// The living members of the cluster at one moment, as the membership of this node sees them.
//
// Made by the membership whenever something changes, shared by everybody who routes, and never
// changed afterwards. Sorted by name, so that nodes with equal members have equal views. Any
// thread.
#pragma once

#include "cluster/served_set.hpp"

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
    cluster::served_set serves = {};
    std::uint64_t store = 0;  // of a shared store, see `member_record`; 0: it has none
};

struct cluster_view {
    [[nodiscard]] const cluster_member* find(std::uint64_t instance) const noexcept {
        for (const auto& each : members)
            if (each.instance == instance) return &each;
        return nullptr;
    }

    std::uint64_t number = 0;             // grows with every change
    std::vector<cluster_member> members;  // this node too
};

}  // namespace dunlin::runtime
