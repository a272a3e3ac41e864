// SPDX-License-Identifier: Apache-2.0
//
// Which connection a call goes to, and what nodes tell that decides it.
#include "client/driver.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::link {
// -- choosing --------------------------------------------------------------------------------

// `before`: where the call was already, which is not where it goes now. A look changes nothing;
// what is sent counts against its node, and may be the one probe of a circuit.
driver::target driver::pick(std::string_view function, std::string_view key,
                            const kept_call* before, time_point now, purpose why) {
    if (!many_) {
        if (nodes_.empty() || nodes_.front()->draining) return {};
        return {nodes_.front()->lane(), routes::none};
    }
    target to{nullptr, routes_.find(function)};
    tried_.clear();
    if (before != nullptr) {
        for (const auto& each : nodes_)
            if (before->was_tried(each->instance)) tried_.push_back(each->place);
    }
    if (!key.empty()) {
        peer_node* owner = owner_of(function, key);
        if (owner != nullptr && (before == nullptr || !before->was_tried(owner->instance)))
            to.on = owner->lane();
        if (to.on != nullptr) {
            if (why == purpose::send) routes_.sent(owner->place, to.function, ns(now));
            return to;
        }
    }
    while (to.on == nullptr) {
        const auto place = why == purpose::send ? routes_.choose(to.function, tried_, ns(now))
                                                : routes_.look(to.function, tried_, ns(now));
        if (place == routes::none) break;
        const auto chosen = std::find_if(nodes_.begin(), nodes_.end(),
                                         [&](const auto& each) { return each->place == place; });
        to.on = (*chosen)->lane();
        if (to.on == nullptr) tried_.push_back(place);  // its lanes have all that they may have
    }
    return to;
}

// For a call that was sent before: a node that it was not sent to, or if need be any.
driver::target driver::pick_again(const call& open, bool tried_too, time_point now) {
    auto to = pick(open.function, open.kept->key, open.kept.get(), now);
    if (to.on == nullptr && tried_too) to = pick(open.function, open.kept->key, nullptr, now);
    return to;
}

// Where `pick_again` might send it, to a node that it was not sent to.
driver::target driver::look_again(const call& open, time_point now) {
    return pick(open.function, open.kept->key, open.kept.get(), now, purpose::look);
}

// Null if there is no connection to the owner: whichever node gets the call then knows the way.
peer_node* driver::owner_of(std::string_view function, std::string_view key) {
    if (std::exchange(owners_stale_, false)) map_owners();
    const auto owner = owners_.owner(function, key);
    if (owner == cluster::key_owners::nobody) return nullptr;
    for (const auto& each : nodes_)
        if (each->instance == owner) return each->draining ? nullptr : each.get();
    return nullptr;
}

void driver::map_owners() {
    std::vector<cluster::key_owners::member> members;
    for (const auto& each : views_.members())
        members.push_back({each.instance, each.name, each.draining, each.serves});
    owners_.assign(std::move(members));
}

// -- what nodes tell -------------------------------------------------------------------------

void driver::take_members(channel& from, const wire::item_list& items, time_point now) {
    if (from.node == nullptr || from.instance == 0) return;
    if (!from.members.add(items, from.endpoint())) return;
    views_.told(from.instance, from.members.view(), from.members.take());
    doubt_unvouched();
    members_stale_ = true;
    refresh_members(now);
}

void driver::take_catalog(channel& from, wire::item_list items) {
    auto& parts = from.catalog_parts;
    if (items.part.first == 0) parts.clear();
    if (items.part.first != parts.size() || items.part.total > routes::functions_max) return;
    wire::catalog_item item;
    if (items.part.total < parts.size() || items.count > items.part.total - parts.size())
        return from.give_up_reading("the node lists more functions than it says there are");
    while (take(items, item)) parts.push_back({routes_.intern(item.name), item.flags});
    if (parts.size() != items.part.total) return;
    from.catalog.clear();
    for (const auto& each : parts) from.catalog.push_back(each.function);
    if (from.node != nullptr) {
        routes_.serves(from.node->place, parts);
        // Calls that were sent before it was known what the node serves, and how.
        book_.for_each([&](call& open) {
            if (open.on == &from)
                open.idempotent = routes_.idempotent(routes_.find(open.function), from.node->place);
        });
    }
    parts = {};
}

void driver::take_loads(channel& from, wire::item_list items, time_point now) {
    if (from.node == nullptr) return;
    wire::load_item item;
    while (take(items, item)) {
        if (item.function >= from.catalog.size()) continue;
        routes_.reported(from.node->place, from.catalog[item.function], item, ns(now));
    }
}

// -- nodes come and go -----------------------------------------------------------------------

void driver::join_node(channel& welcomed, time_point now) {
    const auto known = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& each) {
        return each->instance == welcomed.instance;
    });
    if (known == nodes_.end()) {
        if (nodes_.empty()) node_ = welcomed.node_name;
        nodes_.push_back(std::make_unique<peer_node>());
        welcomed.node = nodes_.back().get();
        welcomed.node->instance = welcomed.instance;
        welcomed.node->place = routes_.add(ns(now));
    } else {
        welcomed.node = known->get();
    }
    welcomed.node->lanes.push_back(&welcomed);
    if (welcomed.node->late) mark_late(*welcomed.node);
    if (!welcomed.node->draining) live_.push_back(&welcomed);
    count_nodes();
    mark_draining();
}

void driver::count_nodes() noexcept {
    many_ = nodes_.size() > 1 || views_.members().size() > 1;
    all_ = nodes_.size() > 1 && nodes_.size() >= views_.members().size();
}

void driver::leave_node(channel& gone) noexcept {
    std::erase(live_, &gone);
    peer_node* node = std::exchange(gone.node, nullptr);
    if (node == nullptr) return;
    std::erase(node->lanes, &gone);
    if (!node->lanes.empty()) {
        if (node->late) mark_late(*node);
        return;
    }
    routes_.remove(node->place);
    if (node->instance != 0) {
        views_.lost(node->instance);
        members_stale_ = true;
    }
    std::erase_if(nodes_, [&](const auto& each) { return each.get() == node; });
    count_nodes();
    if (!nodes_.empty()) node_ = nodes_.front()->lanes.front()->node_name;
}

// Brings the plan and the connections in line with what is known of the members.
void driver::refresh_members(time_point now) {
    while (std::exchange(members_stale_, false)) {
        owners_stale_ = true;
        count_nodes();
        if (!views_.members().empty()) plan_.members(views_.members(), now);
        mark_draining();
        for (const auto& one : connections_) {
            if (one->now == connection::phase::live && !plan_.has(one->lane())) retire(*one, now);
        }
    }
}

// Gives the connection no more calls; those in flight are still answered on it.
void driver::retire(channel& leaving, time_point now) {
    leave_node(leaving);
    leaving.now = connection::phase::leaving;
    move_unsent(leaving, true, now);
}

// A node that the others do not name any more may be dead for them and alive for us, or hang.
void driver::doubt_unvouched() {
    for (const auto& one : connections_) {
        if (one->now == connection::phase::live && one->instance != 0 &&
            !views_.vouched_for(one->instance))
            one->pulse.doubt();
    }
}

void driver::mark_late(peer_node& node) noexcept {
    node.late = std::any_of(node.lanes.begin(), node.lanes.end(),
                            [](const channel* lane) { return lane->pulse.late(); });
    routes_.set_late(node.place, node.late);
}

void driver::mark_draining() {
    for (const auto& node : nodes_) {
        if (node->draining) continue;
        for (const auto& each : views_.members())
            node->draining = node->draining || (each.instance == node->instance && each.draining);
        if (!node->draining) continue;
        routes_.set_open(node->place, false);
        for (channel* lane : node->lanes) std::erase(live_, lane);
        for (channel* lane : node->lanes) move_unsent(*lane, true, clock::now());
    }
}

}  // namespace dunlin::link
