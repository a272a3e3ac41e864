// SPDX-License-Identifier: Apache-2.0
#include "runtime/router/function_registry.hpp"

#include "cluster/served_set.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <set>

namespace dunlin::runtime {

void function_registry::add(std::unique_ptr<actors::pool> pool) {
    const std::string& name = pool->info().name;
    names_.insert(std::lower_bound(names_.begin(), names_.end(), name), name);
    pools_.try_emplace(name, std::move(pool));
}

std::vector<actors::pool*> function_registry::pools() const {
    std::vector<actors::pool*> pools;
    for (const auto& name : names_) pools.push_back(find(name));
    return pools;
}

std::vector<std::string> function_registry::of_modules() const {
    std::vector<std::string> names;
    for (const auto& name : names_)
        if (find(name)->info().module_name != "dunlin") names.push_back(name);
    return names;
}

std::vector<std::string> function_registry::owned_names() const {
    auto names = of_modules();
    std::set<std::string> spaces;
    for (const auto& name : names)
        if (const auto& space = find(name)->info().space; !space.empty())
            spaces.insert(cluster::owned_name(name, space));
    names.insert(names.end(), spaces.begin(), spaces.end());
    return names;
}

error function_registry::unknown(std::string_view name, suggestion with) const {
    std::string detail = "no function " + std::string(name) + " on this node";
    const std::string hint = with == suggestion::none ? "" : did_you_mean(name, names_);
    detail += hint.empty() ? "; `dunlin functions` lists those there are" : hint;
    return {errc::not_found, std::move(detail)};
}

}  // namespace dunlin::runtime
