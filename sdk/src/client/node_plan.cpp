// SPDX-License-Identifier: Apache-2.0
#include "client/node_plan.hpp"

#include "client/checks.hpp"
#include "cluster/random.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace dunlin::link {
namespace {

// Members without a connection that the search looks at, beyond the user's endpoints.
constexpr std::size_t passed_over_max = 64;

bool holds(const std::vector<std::uint64_t>& instances, std::uint64_t one) noexcept {
    return std::find(instances.begin(), instances.end(), one) != instances.end();
}

}  // namespace

node_plan::node_plan(settings how)
    : how_(std::move(how)),
      seek_pause_(how_.pause_min, how_.pause_max, how_.seed) {
    add(0, true, how_.endpoints.front(), time_point{});
}

void node_plan::add(std::uint64_t instance, bool seeks, std::string endpoint, time_point try_at) {
    const auto id = next_id_++;
    lanes_.push_back({id, instance, seeks, std::move(endpoint), state::waiting, try_at,
                      backoff(how_.pause_min, how_.pause_max, how_.seed + id)});
}

node_plan::lane* node_plan::find(std::uint32_t id) noexcept {
    const auto found =
        std::find_if(lanes_.begin(), lanes_.end(), [&](const lane& one) { return one.id == id; });
    return found == lanes_.end() ? nullptr : &*found;
}

const std::string& node_plan::sought() const noexcept {
    return cursor_ < how_.endpoints.size() ? how_.endpoints[cursor_]
                                           : passed_over_[cursor_ - how_.endpoints.size()];
}

bool node_plan::wanted(std::uint64_t instance) const noexcept { return holds(chosen_, instance); }

bool node_plan::draining(std::uint64_t instance) const noexcept {
    return holds(draining_, instance);
}

bool node_plan::has(std::uint32_t id) const noexcept {
    return std::any_of(lanes_.begin(), lanes_.end(), [&](const lane& one) { return one.id == id; });
}

bool node_plan::settled() const noexcept {
    return std::all_of(lanes_.begin(), lanes_.end(),
                       [](const lane& one) { return one.now == state::live; });
}

bool node_plan::any_live() const noexcept {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const lane& one) { return one.now == state::live; });
}

std::optional<node_plan::attempt> node_plan::next_attempt(time_point now) {
    for (auto& one : lanes_) {
        if (one.now != state::waiting || one.try_at > now) continue;
        one.now = state::trying;
        return attempt{one.id, one.endpoint};
    }
    return std::nullopt;
}

node_plan::time_point node_plan::next_action() const noexcept {
    auto first = time_point::max();
    for (const auto& one : lanes_) {
        if (one.now == state::waiting) first = std::min(first, one.try_at);
    }
    return first;
}

bool node_plan::welcomed(std::uint32_t id, std::uint64_t instance,
                         const std::vector<std::string>& endpoints) {
    lane* welcoming = find(id);
    if (welcoming == nullptr) return false;
    const bool again = lost_live_ != 0;
    if (again) --lost_live_;
    const bool first = !any_live();
    const std::string own(port_part(welcoming->endpoint));
    // The search and the list of members may lead to the same lane.
    const auto same = [&](const lane& one) {
        return one.id != id && instance != 0 && one.instance == instance &&
               port_part(one.endpoint) == own;
    };
    if (std::any_of(lanes_.begin(), lanes_.end(),
                    [&](const lane& one) { return same(one) && one.now == state::live; })) {
        std::erase_if(lanes_, [&](const lane& one) { return one.id == id; });
        return again;
    }
    welcoming->now = state::live;
    welcoming->instance = instance;
    welcoming->seeks = false;
    welcoming->pause.reset();
    std::erase_if(lanes_, [&](const lane& one) { return one.seeks || same(one); });
    reached_ = true;
    failures_ = 0;
    seek_pause_.reset();
    // With one endpoint there is nothing to add, whatever name the node has for itself.
    if (endpoints.size() > 1 && (first || instance != 0)) add_lanes(instance, endpoints);
    return again;
}

// The lanes of a node differ in their ports, and the node may know itself by another name.
void node_plan::add_lanes(std::uint64_t instance, const std::vector<std::string>& endpoints) {
    for (const auto& endpoint : endpoints) {
        const auto known = std::any_of(lanes_.begin(), lanes_.end(), [&](const lane& one) {
            return one.instance == instance && !one.seeks &&
                   port_part(one.endpoint) == port_part(endpoint);
        });
        if (!known) add(instance, false, endpoint, time_point{});
    }
}

void node_plan::lost(std::uint32_t id, time_point now) {
    lane* gone = find(id);
    if (gone == nullptr) return;
    if (gone->now == state::live) ++lost_live_;
    gone->now = state::waiting;
    const bool live = any_live();
    if (gone->seeks || !(live || wanted(gone->instance))) {
        // A node that told of no others is forgotten with its last connection.
        std::erase_if(lanes_, [&](const lane& one) { return !wanted(one.instance); });
        if (live) return;
        ++failures_;
        cursor_ = (cursor_ + 1) % (how_.endpoints.size() + passed_over_.size());
        return seek_on(now);
    }
    gone->try_at = now + gone->pause.next();
    const bool known = gone->instance == 0 || chosen_.empty() || wanted(gone->instance);
    if (!known) std::erase_if(lanes_, [&](const lane& one) { return one.id == id; });
    if (!live) seek_on(now);
}

// Begins to search where the cursor is, unless there is a search already.
void node_plan::seek_on(time_point now) {
    if (std::any_of(lanes_.begin(), lanes_.end(), [](const lane& one) { return one.seeks; }))
        return;
    // No pause while the endpoints are tried for the very first time.
    const bool pause = reached_ || failures_ >= how_.endpoints.size();
    add(0, true, sought(), pause ? now + seek_pause_.next() : now);
}

void node_plan::left(std::uint32_t id, time_point now) {
    const lane* gone = find(id);
    if (gone == nullptr) return;
    const auto instance = gone->instance;
    if (instance == 0) return lost(id, now);
    if (!holds(departed_, instance)) departed_.push_back(instance);
    std::erase(chosen_, instance);
    for (const auto& one : lanes_)
        if (one.instance == instance && one.now == state::live) ++lost_live_;
    std::erase_if(lanes_, [&](const lane& one) { return one.instance == instance; });
    if (!any_live()) {
        cursor_ = (cursor_ + 1) % (how_.endpoints.size() + passed_over_.size());
        seek_on(now);
    }
}

void node_plan::members(std::span<const member> known, time_point now) {
    choose(known);
    for (const auto& each : known)
        if (wanted(each.instance)) add_lanes(each.instance, each.endpoints);
    prune();
    if (!any_live()) seek_on(now);
}

void node_plan::choose(std::span<const member> known) {
    chosen_.clear();
    draining_.clear();
    passed_over_.clear();
    std::vector<std::uint64_t> still_there;
    std::vector<const member*> ranked;
    for (const auto& each : known) {
        if (holds(departed_, each.instance)) {
            still_there.push_back(each.instance);
        } else if (each.draining) {
            draining_.push_back(each.instance);
        } else if (!each.endpoints.empty()) {
            ranked.push_back(&each);
        }
    }
    departed_ = std::move(still_there);
    if (ranked.size() > how_.nodes_max) {
        const auto rank = [this](const member* one) {
            return cluster::mix(one->instance + how_.seed);
        };
        const auto last = ranked.begin() + static_cast<std::ptrdiff_t>(how_.nodes_max);
        std::partial_sort(
            ranked.begin(), last, ranked.end(),
            [&](const member* one, const member* other) { return rank(one) < rank(other); });
        for (auto at = last; at != ranked.end() && passed_over_.size() < passed_over_max; ++at)
            passed_over_.push_back((*at)->endpoints.front());
        ranked.erase(last, ranked.end());
    }
    for (const auto* each : ranked) chosen_.push_back(each->instance);
    if (cursor_ >= how_.endpoints.size() + passed_over_.size()) cursor_ = 0;
}

// Takes out what is not wanted any more, but keeps what there is until something wanted lives.
void node_plan::prune() {
    const bool any_wanted_live = std::any_of(lanes_.begin(), lanes_.end(), [&](const lane& one) {
        return one.now == state::live && wanted(one.instance);
    });
    std::erase_if(lanes_, [&](const lane& one) {
        if (one.seeks || wanted(one.instance)) return false;
        if (one.now != state::live) return true;
        return any_wanted_live && !draining(one.instance);
    });
}

}  // namespace dunlin::link
