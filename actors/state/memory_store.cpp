// SPDX-License-Identifier: Apache-2.0
#include "actors/state/memory_store.hpp"

#include "actors/state/space_rule.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::actors {

result<std::uint32_t> memory_store::open_space(std::string_view name) {
    if (auto good = check_space_name(name); !good) return good.error();
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::find(spaces_, name, &named_space::name);
    const auto number = static_cast<std::uint32_t>(at - spaces_.begin());
    if (at == spaces_.end()) spaces_.push_back({std::string(name), {}});
    return number;
}

result<void> memory_store::write(std::span<state_write> batch) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : batch)
        if (each.space >= spaces_.size()) return no_such_space(each.space);
    for (auto& each : batch) {
        auto& values = spaces_[each.space].values;
        const auto key = as_text(each.key);
        auto at = values.find(key);
        const std::uint64_t there = at == values.end() ? 0 : at->second.version;
        if (there != each.expected) {
            each.outcome = write_outcome::conflict;
            continue;
        }
        if (at == values.end()) at = values.emplace(key, stored_state{}).first;
        auto& state = at->second;
        state.version = each.version;
        state.present = each.present;
        state.expires_ms = each.expires_ms;
        state.writer = each.writer;
        state.value.clear();
        state.recent.assign(each.recent.begin(), each.recent.end());
        if (each.present) state.value.assign(each.value.begin(), each.value.end());
        each.outcome = write_outcome::written;
    }
    return {};
}

result<void> memory_store::read(std::span<state_read> wanted) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : wanted)
        if (each.space >= spaces_.size()) return no_such_space(each.space);
    for (auto& each : wanted) {
        const auto& values = spaces_[each.space].values;
        const auto at = values.find(as_text(each.key));
        each.found = at == values.end() ? stored_state{} : at->second;
    }
    return {};
}

result<std::vector<listed_state>> memory_store::list(std::uint32_t space, std::string_view prefix,
                                                     std::string_view after,
                                                     std::size_t count_max) {
    const std::lock_guard lock(mutex_);
    if (space >= spaces_.size()) return no_such_space(space);
    const auto& values = spaces_[space].values;
    std::vector<listed_state> found;
    auto at = after < prefix ? values.lower_bound(prefix) : values.upper_bound(after);
    for (; at != values.end() && found.size() < count_max; ++at) {
        const auto& [key, state] = *at;
        if (!key.starts_with(prefix)) break;
        if (state.present)
            found.push_back({key, state.version, state.expires_ms, state.value.size()});
    }
    return found;
}

}  // namespace dunlin::actors
