// SPDX-License-Identifier: Apache-2.0
//
// Which nodes serve a function, as one lane knows it, and how it goes there.
//
// Each node has a place: the own node the first, whether it serves the function or not, the others
// in the order they came. A place stays with its link, so that what was learned of it (waits,
// failures) stays too; one that is left is barred until another link takes it. The candidates
// stand side by side in memory because every call that may travel looks at all of them.
// Of the places those take calls on whose nodes the function is warm. Calls under way refer to a
// route by its address, so it is never taken away. Owned by a lane's `router`; one thread.
#pragma once

#include "cluster/peer_health.hpp"
#include "cluster/spread.hpp"
#include "cluster/warm_set.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dunlin::actors {
class pool;
}

namespace dunlin::runtime {

struct peer_link;

struct function_route {
    static constexpr std::uint32_t own_place = 0;

    /// `node`: the name of the own node.
    function_route(std::string function, actors::pool* own, std::string_view node,
                   std::uint64_t seed);

    /// A place for a link, barred until it is told otherwise. @returns the place.
    std::uint32_t add(peer_link& link, bool idempotent_there, std::int64_t now_ns);
    void remove(std::uint32_t place) noexcept;
    /// What another node says of the calls' keys; the own module knows better.
    void learn_keys(const std::string& field, const std::string& space);
    /// Copies what `health` and the links say of every place, which ends what was barred for one
    /// choice.
    void refresh_standings(std::int64_t now_ns) noexcept;
    /// Bars other nodes, until the standings are refreshed, whose last report came by then.
    void bar_unheard_since(std::int64_t then_ns) noexcept;

    const std::string name;
    actors::pool* const pool;  // of this node, if it serves the function itself
    std::string owned_as;      // the name by which the owner of a key is asked for
    std::string key_field;     // of the input; empty: callers give keys
    std::vector<cluster::candidate> candidates;
    std::vector<peer_link*> links;  // null: the own node, or nobody
    std::vector<bool> open;         // the link takes calls now
    std::vector<bool> late;         // its node does not answer: only if no other is left
    cluster::peer_health health;
    cluster::warm_set warm;
    std::uint64_t changes_recorded = 0;  // of `warm`
    /// The own node was in the warm set when that was looked at last, and will be until then.
    std::int64_t warm_here_until_ns = 0;
    std::size_t others = 0;  // places with a link
    /// As everybody says who serves it or has served it: modules of two versions may differ.
    bool idempotent = true;
};

class route_table {
public:
    [[nodiscard]] function_route* find(std::string_view name) noexcept {
        const auto found = routes_.find(name);
        return found == routes_.end() ? nullptr : found->second.get();
    }
    template <class Make>
    [[nodiscard]] function_route& find_or_make(const std::string& name, Make&& make) {
        auto& route = routes_[name];
        if (!route) route = make();
        return *route;
    }
    [[nodiscard]] bool empty() const noexcept { return routes_.empty(); }

private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, std::unique_ptr<function_route>, hash, std::equal_to<>> routes_;
};

}  // namespace dunlin::runtime
