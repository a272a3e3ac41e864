// SPDX-License-Identifier: Apache-2.0
#include "client/lane_plan.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace dunlin::link {
namespace {

std::string_view port_part(std::string_view endpoint) noexcept {
    const auto colon = endpoint.rfind(':');
    return colon == std::string_view::npos ? endpoint : endpoint.substr(colon);
}

}  // namespace

lane_plan::lane_plan(std::vector<std::string> endpoints, std::chrono::nanoseconds pause_min,
                     std::chrono::nanoseconds pause_max, std::uint64_t seed)
    : endpoints_(std::move(endpoints)),
      pause_min_(pause_min),
      pause_max_(pause_max),
      seed_(seed),
      seek_pause_(pause_min, pause_max, seed) {
    add(endpoints_.front(), time_point{});
}

void lane_plan::add(std::string endpoint, time_point try_at) {
    const auto id = next_id_++;
    lanes_.push_back({id, std::move(endpoint), state::waiting, try_at,
                      backoff(pause_min_, pause_max_, seed_ + id)});
}

lane_plan::lane* lane_plan::find(std::uint32_t id) noexcept {
    const auto found =
        std::find_if(lanes_.begin(), lanes_.end(), [&](const lane& one) { return one.id == id; });
    return found == lanes_.end() ? nullptr : &*found;
}

bool lane_plan::has(std::uint32_t id) const noexcept {
    return std::any_of(lanes_.begin(), lanes_.end(), [&](const lane& one) { return one.id == id; });
}

bool lane_plan::settled() const noexcept {
    return std::all_of(lanes_.begin(), lanes_.end(),
                       [](const lane& one) { return one.now == state::live; });
}

bool lane_plan::any_live() const noexcept {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const lane& one) { return one.now == state::live; });
}

std::optional<lane_plan::attempt> lane_plan::next_attempt(time_point now) {
    for (auto& one : lanes_) {
        if (one.now != state::waiting || one.try_at > now) continue;
        one.now = state::trying;
        return attempt{one.id, one.endpoint};
    }
    return std::nullopt;
}

lane_plan::time_point lane_plan::next_action() const noexcept {
    auto first = time_point::max();
    for (const auto& one : lanes_) {
        if (one.now == state::waiting) first = std::min(first, one.try_at);
    }
    return first;
}

bool lane_plan::welcomed(std::uint32_t id, const std::vector<std::string>& endpoints) {
    lane* welcoming = find(id);
    if (welcoming == nullptr) return false;
    const bool again = lost_live_ != 0;
    if (again) --lost_live_;
    const bool first = !any_live();
    welcoming->now = state::live;
    welcoming->pause.reset();
    if (!first) return again;
    reached_ = true;
    failures_ = 0;
    seek_pause_.reset();
    // With one endpoint there is nothing to add, whatever name the node has for itself.
    if (endpoints.size() < 2) return again;
    // The lanes of a node differ in their ports, and the node may know itself by another name.
    const std::string own(port_part(welcoming->endpoint));
    for (const auto& endpoint : endpoints) {
        if (port_part(endpoint) != own) add(endpoint, time_point{});
    }
    return again;
}

void lane_plan::lost(std::uint32_t id, time_point now) {
    lane* gone = find(id);
    if (gone == nullptr) return;
    if (gone->now == state::live) ++lost_live_;
    gone->now = state::waiting;
    if (any_live()) {
        gone->try_at = now + gone->pause.next();
        return;
    }
    // No pause while the endpoints are tried for the very first time.
    ++failures_;
    const bool pause = reached_ || failures_ >= endpoints_.size();
    cursor_ = (cursor_ + 1) % endpoints_.size();
    lanes_.clear();
    add(endpoints_[cursor_], pause ? now + seek_pause_.next() : now);
}

}  // namespace dunlin::link
