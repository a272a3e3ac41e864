// SPDX-License-Identifier: Apache-2.0
#include "runtime/offered_keys.hpp"

#include "wire/cluster_items.hpp"

#include <map>
#include <utility>

namespace dunlin::runtime {

std::vector<key_offer> offers_of(const std::string& space, std::vector<std::string> keys,
                                 owner_lookup& owners, std::uint64_t own) {
    struct open_offer {
        std::size_t at = 0;  // among those that are made
        std::size_t bytes = 0;
    };
    std::vector<key_offer> made;
    std::map<std::uint64_t, open_offer> open;  // by instance
    for (auto& key : keys) {
        const auto owner = owners.instance(space, key);
        if (owner == cluster::key_owners::nobody || owner == own) continue;
        const auto bytes = wire::bytes_max(wire::key_item{as_bytes(key)});
        const auto [found, fresh] = open.try_emplace(owner);
        auto& one = found->second;
        if (fresh || made[one.at].keys.size() == offered_keys_max ||
            one.bytes + bytes > wire::list_bytes_max) {
            one = {made.size(), 0};
            made.push_back({owner, space, {}});
        }
        one.bytes += bytes;
        made[one.at].keys.push_back(std::move(key));
    }
    return made;
}

}  // namespace dunlin::runtime
