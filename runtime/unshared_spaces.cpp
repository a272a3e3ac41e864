// SPDX-License-Identifier: Apache-2.0
#include "runtime/unshared_spaces.hpp"

#include "cluster/served_set.hpp"

#include <algorithm>
#include <vector>

namespace dunlin::runtime {
namespace {

// Members that serve the space from another store and do not give way.
std::vector<const cluster_member*> in_the_way(std::string_view space, const own_store& own,
                                              const cluster_view& view) {
    const auto hash = cluster::served_set::hash_of(cluster::owned_name({}, space));
    std::vector<const cluster_member*> found;
    for (const auto& each : view.members) {
        if (each.instance == own.instance || !each.serves.tells() || !each.serves.may_serve(hash))
            continue;
        const bool same = each.store != 0 && each.store == own.identity;
        const bool gives_way = each.store == 0 && own.identity != 0;
        if (!same && !gives_way) found.push_back(&each);
    }
    // Those on a shared store first: what they have is most likely what was meant.
    std::stable_partition(found.begin(), found.end(),
                          [](const cluster_member* each) { return each->store != 0; });
    return found;
}

bool shares_elsewhere(std::string_view space, const own_store& own, const cluster_view& view) {
    const auto others = in_the_way(space, own, view);
    return own.identity == 0 && !others.empty() && others.front()->store != 0;
}

std::string names_of(const std::vector<const cluster_member*>& members) {
    constexpr std::size_t named_max = 3;
    std::string names;
    for (std::size_t i = 0; i < members.size() && i < named_max; ++i)
        names += (i == 0 ? "" : ", ") + members[i]->name;
    return members.size() > named_max ? names + ", ..." : names;
}

}  // namespace

std::string why_unshared(std::string_view space, const own_store& own, const cluster_view& view) {
    const auto others = in_the_way(space, own, view);
    if (others.empty()) return {};
    const bool theirs_is_shared = others.front()->store != 0;
    const bool one = others.size() == 1;
    auto text = "space " + std::string(space) + " is served by node " + std::string(own.node) +
                " from " + std::string(own.described) + " and by " + (one ? "node " : "nodes ") +
                names_of(others) + (one ? " from another store" : " from other stores") +
                ", so they would not see what the others have written; ";
    if (own.identity != 0 && theirs_is_shared) return text + "give all of them the same --store";
    if (theirs_is_shared)
        return text + "start node " + std::string(own.node) + " with their --store in place of " +
               "its own folder, or without the modules that have that space; until then it takes "
               "no "
               "calls of it";
    return text +
           "start all of them with the same --store postgres://..., or load the modules "
           "that have that space on one node of the cluster only";
}

void refuse_unshared_spaces(actors::hot_state& state, const own_store& own,
                            const cluster_view& view, given_up_spaces& given_up,
                            const unshared_change& changed) {
    for (const auto& [name, space] : state.spaces()) {
        // What is in memory only has nothing that could be lost by it: see docs/state.md.
        if (!space->stored()) continue;
        auto why = why_unshared(name, own, view);
        if (shares_elsewhere(name, own, view)) given_up[name] = why;
        if (const auto kept = given_up.find(name); kept != given_up.end()) why = kept->second;
        if (space->refuse(why) == why.empty()) changed(name, why);
    }
}

}  // namespace dunlin::runtime
