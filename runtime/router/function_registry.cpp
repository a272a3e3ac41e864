// SPDX-License-Identifier: Apache-2.0
#include "runtime/router/function_registry.hpp"

#include "runtime/router/refusal.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>

namespace dunlin::runtime {

void function_registry::add(std::unique_ptr<actors::pool> pool) {
    const std::string& name = pool->info().name;
    names_.insert(std::lower_bound(names_.begin(), names_.end(), name), name);
    pools_.emplace(name, std::move(pool));
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

error function_registry::unknown(std::string_view name, suggestion with) const {
    std::string detail = "no function " + std::string(name) + " on this node";
    const std::string hint = with == suggestion::none ? "" : did_you_mean(name, names_);
    detail += hint.empty() ? "; `dunlin functions` lists those there are" : hint;
    return {errc::not_found, std::move(detail)};
}

error overloaded(const actors::pool& pool, std::uint32_t calls) {
    const auto hint = pool.retry_after();
    const auto wait_ms = (hint.count() + 999) / 1000;
    const auto status = pool.status();
    error why{errc::overloaded,
              "the queue of " + pool.info().name + " is full (" +
                  std::to_string(pool.queue_depth_max()) + " waiting); try again in " +
                  std::to_string(wait_ms) + " ms",
              hint};
    record_refusal(pool, calls, "its queue was full",
                   {{"queued", status.queued},
                    {"queued_max", pool.queue_depth_max()},
                    {"busy", status.busy},
                    {"activations", status.activations},
                    {"wait_ms", wait_ms}},
                   why);
    return why;
}

}  // namespace dunlin::runtime
