// SPDX-License-Identifier: Apache-2.0
//
// Which nodes serve a function, as one lane knows it, and how long calls wait there.
//
// The candidates stand side by side in memory because every call that may travel looks at all of
// them. A route, once made, stays at its place: calls under way refer to it by address.
// Owned by a lane's `forwarder`; one thread.
#pragma once

#include "cluster/spread.hpp"

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
    std::string name;
    actors::pool* pool = nullptr;  // of this node, if it serves the function itself
    /// The own node first, if it serves the function; then one for each link.
    std::vector<cluster::candidate> candidates;
    std::vector<peer_link*> links;  // null for the own node
    bool idempotent = false;        // as whoever serves it says

    [[nodiscard]] bool elsewhere() const noexcept {
        return links.size() > (pool == nullptr ? 0u : 1u);
    }
};

class route_table {
public:
    [[nodiscard]] function_route* find(std::string_view name) noexcept {
        const auto found = routes_.find(name);
        return found == routes_.end() ? nullptr : found->second.get();
    }
    [[nodiscard]] function_route& at(const std::string& name) {
        auto& made = routes_[name];
        if (!made) {
            made = std::make_unique<function_route>();
            made->name = name;
        }
        return *made;
    }
    [[nodiscard]] bool empty() const noexcept { return routes_.empty(); }
    template <class Visit>
    void for_each(Visit&& visit) {
        for (auto& [name, route] : routes_) visit(*route);
    }

private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, std::unique_ptr<function_route>, hash, std::equal_to<>> routes_;
};

}  // namespace dunlin::runtime
