// SPDX-License-Identifier: Apache-2.0
#include "client/member_views.hpp"

#include "client/checks.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace dunlin::link {

bool member_parts::add(wire::item_list part, std::string_view through) {
    if (part.part.first == 0) {
        members_.clear();
        view_ = part.part.view;
        total_ = part.part.total;
        reading_ = total_ <= members_max;
    }
    const bool fits =
        part.part.view == view_ && part.part.total == total_ && part.part.first == members_.size();
    if (!reading_ || !fits) {
        reading_ = false;
        members_.clear();
        return false;
    }
    wire::member_item item;
    while (wire::take(part, item)) {
        member added{item.instance, std::string(item.name), item.draining, {}, {}};
        if (item.tells_serves) added.serves = cluster::served_set::told(item.serves);
        for (std::size_t i = 0; i < item.endpoint_count; ++i) {
            auto endpoint = reachable(item.endpoints[i], through);
            if (check_endpoint(endpoint)) added.endpoints.push_back(std::move(endpoint));
        }
        members_.push_back(std::move(added));
        if (members_.size() > total_) break;
    }
    if (members_.size() < total_) return false;
    reading_ = false;
    return members_.size() == total_;
}

std::vector<member> member_parts::take() noexcept { return std::exchange(members_, {}); }

bool member_views::told(std::uint64_t sender, std::uint64_t number, std::vector<member> list) {
    const auto known = std::find_if(views_.begin(), views_.end(),
                                    [&](const view& one) { return one.sender == sender; });
    if (known == views_.end()) {
        // What is left of senders that are gone has done its service.
        std::erase_if(views_, [](const view& one) { return one.sender == 0; });
        views_.push_back({sender, number, std::move(list)});
    } else {
        if (number <= known->number) return false;
        *known = {sender, number, std::move(list)};
    }
    return merge();
}

bool member_views::lost(std::uint64_t sender) {
    if (views_.size() == 1 && views_.front().sender == sender) {
        views_.front().sender = 0;
        return false;
    }
    std::erase_if(views_, [&](const view& one) { return one.sender == sender; });
    return merge();
}

bool member_views::vouched_for(std::uint64_t instance) const noexcept {
    bool others = false;
    for (const auto& one : views_) {
        if (one.sender == instance) continue;
        others = true;
        for (const auto& each : one.list)
            if (each.instance == instance) return true;
    }
    return !others;
}

bool member_views::merge() {
    std::map<std::uint64_t, member> by_instance;
    std::map<std::string, std::uint64_t, std::less<>> youngest;
    for (const auto& one : views_) {
        for (const auto& each : one.list) {
            if (each.instance == 0) continue;
            auto& known = by_instance.try_emplace(each.instance, each).first->second;
            known.draining = known.draining || each.draining;
            if (known.endpoints.empty()) known.endpoints = each.endpoints;
            if (!known.serves.tells()) known.serves = each.serves;
            auto& last = youngest[each.name];
            last = std::max(last, each.instance);
        }
    }
    std::vector<member> merged;
    merged.reserve(by_instance.size());
    for (auto& [instance, each] : by_instance) {
        if (youngest[each.name] == instance) merged.push_back(std::move(each));
    }
    if (merged == merged_) return false;
    merged_ = std::move(merged);
    return true;
}

}  // namespace dunlin::link
