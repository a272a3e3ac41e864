// SPDX-License-Identifier: Apache-2.0
//
// Which keys a node owns, by one view of the cluster. Plain data, not changed once it is made.
#pragma once

#include "cluster/rendezvous.hpp"

#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace dunlin::actors {

struct owner_view {
    /// All nodes that see the same members have the same one. Never 0.
    std::uint64_t number = 0;
    /// By space.
    std::map<std::string, std::bitset<cluster::partition_count>, std::less<>> mine;

    [[nodiscard]] bool owns(std::string_view space, std::uint32_t partition) const {
        const auto found = mine.find(space);
        return found != mine.end() && found->second[partition];
    }
};

}  // namespace dunlin::actors
