// SPDX-License-Identifier: Apache-2.0
#include "client/routes.hpp"

#include "cluster/rendezvous.hpp"
#include "cluster/served_set.hpp"

#include <algorithm>
#include <limits>

namespace dunlin::link {
namespace {

std::int64_t signed_ns(std::uint64_t ns) noexcept {
    return static_cast<std::int64_t>(
        std::min<std::uint64_t>(ns, std::numeric_limits<std::int64_t>::max()));
}

bool contains(std::span<const std::uint32_t> nodes, std::uint32_t one) noexcept {
    return std::find(nodes.begin(), nodes.end(), one) != nodes.end();
}

}  // namespace

routes::routes(std::uint64_t seed) : spread_(seed), health_(0, seed), random_(cluster::mix(seed)) {}

std::uint32_t routes::add(std::string_view name, std::int64_t now_ns) {
    auto place =
        static_cast<std::uint32_t>(std::find_if(nodes_.begin(), nodes_.end(),
                                                [](const node_state& one) { return !one.used; }) -
                                   nodes_.begin());
    if (place == nodes_.size()) {
        nodes_.emplace_back();
        health_.resize(nodes_.size());
    }
    nodes_[place] = {.used = true, .open = true};
    nodes_[place].since_ns = now_ns;
    nodes_[place].name_hash = cluster::name_hash(name);
    health_.forget(place);
    reset(place);
    const auto begin = [&](function_state& of) {
        of.nodes.resize(nodes_.size());
        of.at.resize(nodes_.size());
        of.nodes[place].reported_at_ns = now_ns;
        of.warm.add(place, nodes_[place].name_hash);
    };
    for (const auto& each : functions_) begin(*each);
    begin(unknown_);
    return place;
}

void routes::reset(std::uint32_t node) noexcept {
    const auto forget = [&](function_state& of) {
        if (of.current == node) of.current = none;
        if (node >= of.nodes.size()) return;
        // Without the time that it was seen it would count as one whose queue has drained long ago.
        of.nodes[node] = {};
        of.nodes[node].reported_at_ns = nodes_[node].since_ns;
        of.at[node] = {};
    };
    for (const auto& each : functions_) forget(*each);
    forget(unknown_);
}

void routes::remove(std::uint32_t node) noexcept {
    nodes_[node] = {};
    reset(node);
    for (const auto& each : functions_) each->warm.remove(node);
    unknown_.warm.remove(node);
}

void routes::set_open(std::uint32_t node, bool open) noexcept {
    nodes_[node].open = open;
    ++turn_;
}

void routes::set_late(std::uint32_t node, bool late) noexcept {
    nodes_[node].late = late;
    ++turn_;
}

std::uint32_t routes::find(std::string_view function) const noexcept {
    const auto known = names_.find(function);
    return known == names_.end() ? none : known->second;
}

std::uint32_t routes::intern(std::string_view function) {
    const auto known = find(function);
    if (known != none || functions_.size() >= functions_max) return known;
    auto added = std::make_unique<function_state>(function);
    added->narrows = !function.starts_with("dunlin/");
    added->nodes.resize(nodes_.size());
    added->at.resize(nodes_.size());
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
        added->nodes[i].reported_at_ns = nodes_[i].since_ns;
        if (nodes_[i].used) added->warm.add(i, nodes_[i].name_hash);
    }
    const auto number = static_cast<std::uint32_t>(functions_.size());
    functions_.push_back(std::move(added));
    names_.emplace(function, number);
    return number;
}

void routes::serves(std::uint32_t node, std::span<const served> functions) {
    for (const auto& each : functions_) each->at[node] = {};
    for (const auto& each : functions) {
        if (each.function >= functions_.size()) continue;
        const bool idempotent = (each.flags & wire::catalog_flags::idempotent) != 0;
        auto& at = functions_[each.function]->at[node];
        at.serves = true;
        at.idempotent = idempotent;
    }
    nodes_[node].catalog_known = true;
    ++turn_;
}

bool routes::idempotent(std::uint32_t function, std::uint32_t node) const noexcept {
    return function < functions_.size() && functions_[function]->at[node].idempotent;
}

void routes::set_keys(std::uint32_t function, std::string_view key_field, std::string_view space) {
    if (function >= functions_.size()) return;
    auto& of = *functions_[function];
    key_fields_ -= of.key_field.empty() ? 0 : 1;
    key_fields_ += key_field.empty() ? 0 : 1;
    of.key_field = key_field;
    of.owned_as = space.empty() ? std::string() : cluster::owned_name({}, space);
}

const std::string* routes::key_field(std::string_view function) const noexcept {
    if (key_fields_ == 0) return nullptr;
    const auto known = find(function);
    if (known == none || functions_[known]->key_field.empty()) return nullptr;
    return &functions_[known]->key_field;
}

std::string_view routes::owned_as(std::uint32_t function, std::string_view name) const noexcept {
    if (function >= functions_.size() || functions_[function]->owned_as.empty()) return name;
    return functions_[function]->owned_as;
}

void routes::reported(std::uint32_t node, std::uint32_t function, const wire::load_item& load,
                      std::int64_t now_ns) noexcept {
    if (function >= functions_.size()) return;
    auto& of = *functions_[function];
    of.nodes[node].learn({signed_ns(load.wait_ns), signed_ns(load.step_ns), load.idle,
                          static_cast<float>(std::min(load.busy_permille, 1000u)) / 1000.0F,
                          load.in_flight, load.room},
                         0, now_ns);
    of.warm.heard(of.nodes, now_ns);
}

// @returns whether there is one.
bool routes::mark_usable(function_state& of, avoid which, std::int64_t now_ns, bool any) noexcept {
    bool found = false;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
        const auto& node = nodes_[i];
        const bool maybe = any || !node.catalog_known || of.at[i].serves;
        const bool usable = node.used && node.open && maybe;
        const bool full = which == avoid::all && !of.at[i].refused.over(now_ns);
        of.nodes[i].now = !usable             ? cluster::standing::barred
                          : node.late || full ? cluster::standing::avoided
                                              : health_.at(i, now_ns);
        found = found || usable;
    }
    return found;
}

routes::function_state& routes::marked(std::uint32_t function, avoid which,
                                       std::int64_t now_ns) noexcept {
    auto& of = state_of(function);
    if (!mark_usable(of, which, now_ns, &of == &unknown_)) mark_usable(of, which, now_ns, true);
    return of;
}

std::uint32_t routes::choose(std::uint32_t function, std::span<const std::uint32_t> tried,
                             std::int64_t now_ns) {
    auto& of = state_of(function);
    if (of.turn == turn_ && of.calls_left > 0 && of.current != none &&
        !contains(tried, of.current)) {
        --of.calls_left;
        of.nodes[of.current].sent(now_ns);
        return of.current;
    }
    const auto chosen = look(function, tried, now_ns);
    if (chosen == none) return none;
    const auto step_ns = of.nodes[chosen].report.step_ns;
    const auto calls =
        step_ns > 0 ? work_per_choice_ns / step_ns : std::int64_t{calls_per_choice_unknown};
    of.current = chosen;
    of.calls_left =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(calls, 1, calls_per_choice_max) - 1);
    of.turn = turn_;
    sent(chosen, function, now_ns);
    return chosen;
}

std::uint32_t routes::look(std::uint32_t function, std::span<const std::uint32_t> tried,
                           std::int64_t now_ns) {
    auto& of = marked(function, avoid::all, now_ns);
    if (of.narrows) of.warm.narrow(of.nodes, tried, now_ns);
    const auto found = spread_.choose(of.nodes, tried, now_ns);
    return found == cluster::spread::none ? none : static_cast<std::uint32_t>(found);
}

std::uint32_t routes::look_for_room(std::uint32_t function, std::span<const std::uint32_t> tried,
                                    std::int64_t now_ns) {
    // One that is avoided is found only if none is usable.
    const auto found = look(function, tried, now_ns);
    if (found == none || state_of(function).nodes[found].now != cluster::standing::usable)
        return none;
    return found;
}

// By rendezvous hashing of the places, so that a node that comes or goes moves its own share only.
std::uint32_t routes::look_steady(std::uint32_t partition, std::uint32_t function,
                                  std::span<const std::uint32_t> tried,
                                  std::int64_t now_ns) noexcept {
    const auto& of = marked(function, avoid::nodes, now_ns);
    for (const auto wanted : {cluster::standing::usable, cluster::standing::avoided}) {
        auto best = none;
        std::uint64_t highest = 0;
        for (std::uint32_t i = 0; i < of.nodes.size(); ++i) {
            if (of.nodes[i].now != wanted || contains(tried, i)) continue;
            const auto weight = cluster::rendezvous_weight(cluster::mix(i + 1), partition);
            if (best != none && weight <= highest) continue;
            best = i;
            highest = weight;
        }
        if (best != none) return best;
    }
    return none;
}

void routes::sent(std::uint32_t node, std::uint32_t function, std::int64_t now_ns) noexcept {
    state_of(function).nodes[node].sent(now_ns);
    health_.sent(node, now_ns);
}

void routes::refused(std::uint32_t node, std::uint32_t function, refusal what,
                     std::int64_t retry_after_ns, std::int64_t now_ns) noexcept {
    // What was chosen before does not stand any more.
    if (what == refusal::of_node) {
        next_turn();
        return health_.refused(node, retry_after_ns, now_ns);
    }
    health_.lives(node);
    // Unknown names are many functions, of which one was refused.
    if (function >= functions_.size()) return;
    auto& of = *functions_[function];
    if (of.current == node) of.current = none;
    of.at[node].refused.refused(retry_after_ns, now_ns, random_);
}

cluster::hedging& routes::hedging(std::uint32_t function, std::int64_t now_ns) {
    auto& copies = state_of(function).copies;
    if (!copies) copies = std::make_unique<cluster::hedging>(now_ns);
    return *copies;
}

}  // namespace dunlin::link
