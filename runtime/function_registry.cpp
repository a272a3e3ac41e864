// SPDX-License-Identifier: Apache-2.0
#include "runtime/function_registry.hpp"

#include "runtime/text/suggest.hpp"

#include <algorithm>

namespace dunlin::runtime {

void function_registry::add(std::unique_ptr<actors::pool> pool) {
    std::string name = pool->info().name;
    pools_.emplace(std::move(name), std::move(pool));
}

std::vector<std::string> function_registry::names() const {
    std::vector<std::string> names;
    names.reserve(pools_.size());
    for (const auto& [name, pool] : pools_) names.push_back(name);
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<actors::pool*> function_registry::pools() const {
    std::vector<actors::pool*> pools;
    for (const auto& name : names()) pools.push_back(find(name));
    return pools;
}

error function_registry::unknown(std::string_view name) const {
    const auto known = names();
    std::string detail = "no function " + std::string(name) + " on this node";
    const std::string hint = did_you_mean(name, known);
    detail += hint.empty() ? "; `dunlin functions` lists those there are" : hint;
    return {errc::not_found, std::move(detail)};
}

error overloaded(const actors::pool& pool) {
    const auto hint = pool.retry_after();
    return {errc::overloaded,
            "the queue of " + pool.info().name + " is full (" +
                std::to_string(pool.queue_depth_max()) + " waiting); try again in " +
                std::to_string((hint.count() + 999) / 1000) + " ms",
            hint};
}

}  // namespace dunlin::runtime
