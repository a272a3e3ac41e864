// SPDX-License-Identifier: Apache-2.0
#include "runtime/unshared_spaces.hpp"

#include "cluster/served_set.hpp"
#include "runtime/log.hpp"

#include <vector>

namespace dunlin::runtime {

std::string why_unshared(std::string_view space, std::string_view store, const cluster_view& view) {
    constexpr std::size_t named_max = 3;
    const auto hash = cluster::served_set::hash_of(cluster::owned_name({}, space));
    std::vector<std::string_view> names;
    for (const auto& each : view.members)
        if (each.serves.tells() && each.serves.may_serve(hash)) names.push_back(each.name);
    if (names.size() < 2) return {};
    std::string who;
    for (std::size_t i = 0; i < names.size() && i < named_max; ++i)
        who += (i == 0 ? "" : ", ") + std::string(names[i]);
    if (names.size() > named_max) who += ", ...";
    return "space " + std::string(space) + " is served by " + std::to_string(names.size()) +
           " nodes (" + who + "), and the store of each, such as " + std::string(store) +
           ", is its own: they would not see what the others have written. Load the modules with "
           "that space on one node of the cluster only";
}

void refuse_unshared_spaces(actors::hot_state& state, const cluster_view& view, bool loudly) {
    if (state.store() == nullptr || state.store()->shared()) return;
    for (const auto& [name, space] : state.spaces()) {
        if (!space->stored()) continue;
        auto why = why_unshared(name, state.store()->describe(), view);
        const bool refuses = !why.empty();
        if (space->refuse(std::move(why)) == refuses) continue;
        using level = event_log::level;
        if (refuses)
            log().line(
                loudly ? level::warn : level::debug,
                "calls that work with a space are refused, as other nodes serve it, too, and "
                "there is no store that all share",
                {{"space", name}});
        else
            log().line(loudly ? level::info : level::debug,
                       "calls that work with a space are taken again", {{"space", name}});
    }
}

}  // namespace dunlin::runtime
