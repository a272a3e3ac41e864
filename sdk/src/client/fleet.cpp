// SPDX-License-Identifier: Apache-2.0
#include "client/fleet.hpp"

#include "client/checks.hpp"

#include <algorithm>
#include <limits>

namespace dunlin::link {
namespace {

// A payload's length has four bytes.
constexpr std::uint64_t payload_bytes_ceiling = std::numeric_limits<std::uint32_t>::max();

}  // namespace

fleet::fleet(const node_plan::settings& how, std::string cluster)
    : cluster_(std::move(cluster)),
      plan_(how),
      routes_(how.seed) {}

// -- choosing --------------------------------------------------------------------------------

fleet::target fleet::pick_of_many(std::string_view function, std::string_view key,
                                  const kept_call* before, time_point now, purpose why) {
    target to{nullptr, routes_.find(function)};
    tried_.clear();
    if (before != nullptr) {
        for (const auto& each : nodes_)
            if (before->was_tried(each->instance)) tried_.push_back(each->place);
    }
    if (!key.empty()) return pick_by_key(to, function, key, before, now, why);
    while (to.on == nullptr) {
        const auto place = why == purpose::send ? routes_.choose(to.function, tried_, ns(now))
                           : why == purpose::look
                               ? routes_.look(to.function, tried_, ns(now))
                               : routes_.look_for_room(to.function, tried_, ns(now));
        if (place == routes::none) break;
        to.on = node_at(place).lane();
        if (to.on == nullptr) tried_.push_back(place);  // its lanes have all that they may have
    }
    return to;
}

// The calls of one key go one way: over one lane of its owner, or else over one of a node that
// knows the way, always the same one. How loaded nodes are does not count, because a call that went
// another way could come before one that was sent earlier.
fleet::target fleet::pick_by_key(target to, std::string_view function, std::string_view key,
                                 const kept_call* before, time_point now, purpose why) {
    const auto partition = cluster::partition_of(key);
    const peer_node* owner = owner_of(routes_.owned_as(to.function, function), key);
    if (owner != nullptr && (before == nullptr || !before->was_tried(owner->instance)))
        to.on = owner->lane_of(partition);
    while (to.on == nullptr) {
        const auto place = routes_.look_steady(partition, to.function, tried_, ns(now));
        if (place == routes::none) return to;
        to.on = node_at(place).lane_of(partition);
        if (to.on == nullptr) tried_.push_back(place);
    }
    if (why == purpose::send) routes_.sent(to.on->node->place, to.function, ns(now));
    return to;
}

const peer_node& fleet::node_at(std::uint32_t place) const noexcept {
    return **std::find_if(nodes_.begin(), nodes_.end(),
                          [&](const auto& each) { return each->place == place; });
}

// Null if there is no connection to the owner: whichever node gets the call then knows the way.
// `owned`: as `cluster::owned_name` gives it.
peer_node* fleet::owner_of(std::string_view owned, std::string_view key) {
    if (std::exchange(owners_stale_, false)) {
        std::vector<cluster::key_owners::member> members;
        for (const auto& each : views_.members())
            members.push_back({each.instance, each.name, each.draining, each.serves});
        owners_.assign(std::move(members));
    }
    const auto owner = owners_.owner(owned, key);
    if (owner == cluster::key_owners::nobody) return nullptr;
    for (const auto& each : nodes_)
        if (each->instance == owner) return each->draining ? nullptr : each.get();
    return nullptr;
}

error fleet::full() const {
    return {errc::overloaded, (many_ ? "every node" : "node " + name_) + " has its limit of " +
                                  std::to_string(live_.front()->in_flight_max) +
                                  " unanswered calls on each connection already"};
}

// -- what nodes tell -------------------------------------------------------------------------

void fleet::welcome(channel& from, const wire::welcome& envelope, time_point now) {
    if (from.now != channel::phase::greeting) return;
    if (envelope.version != wire::protocol_version) {
        return from.give_up("the node speaks version " + std::to_string(envelope.version) +
                            " of the protocol, this client version " +
                            std::to_string(wire::protocol_version));
    }
    if (!cluster_.empty() && envelope.cluster != cluster_) {
        return refuse(from, {errc::unauthenticated,
                             "the node at " + from.endpoint() +
                                 (envelope.cluster.empty()
                                      ? " belongs to no cluster"
                                      : " belongs to cluster " + std::string(envelope.cluster)) +
                                 ", this client wants " + cluster_});
    }
    from.payload_bytes_max = std::min(envelope.payload_bytes_max, payload_bytes_ceiling);
    from.in_flight_max = envelope.in_flight_max == 0
                             ? std::numeric_limits<std::size_t>::max()
                             : static_cast<std::size_t>(envelope.in_flight_max);
    from.clustered = (envelope.features & wire::features::cluster) != 0;
    from.node_name = envelope.node;
    from.instance = envelope.instance;
    std::vector<std::string> endpoints;
    from.lane_count = std::max<std::size_t>(envelope.endpoint_count, 1);
    for (std::size_t i = 0; i < envelope.endpoint_count; ++i) {
        if (port_part(envelope.endpoints[i]) == port_part(from.endpoint())) from.lane_index = i;
        std::string endpoint = reachable(envelope.endpoints[i], from.endpoint());
        if (check_endpoint(endpoint)) endpoints.push_back(std::move(endpoint));
    }
    if (plan_.welcomed(from.lane(), from.instance, endpoints)) ++reconnects_;
    refused_ = false;
    if (plan_.has(from.lane())) {
        from.now = channel::phase::live;
        join(from, now);
    } else {
        from.now = channel::phase::leaving;  // another connection leads there already
    }
    reached_.notify_all();
}

void fleet::goaway(channel& from, std::int64_t code, std::string_view detail, time_point now) {
    const auto reason = errc_from_number(code);
    std::string text(detail);
    if (from.now == channel::phase::greeting) {
        refused_ = reason != errc::unavailable;
        if (!refused_) return from.give_up("refused: " + text);
        return refuse(from,
                      {reason, "the node at " + from.endpoint() + " refused this client: " + text});
    }
    // A node that has forgotten us has forgotten our calls too.
    if (reason == errc::unauthenticated) return from.give_up("the node does not know us: " + text);
    from.said_goaway = true;
    if (from.now == channel::phase::leaving) return;
    last_problem_ = from.endpoint() + ": the node is leaving: " + text;
    plan_.left(from.lane(), now);
    // Its other lanes say the same soon, but there is no need to wait for it.
    members_stale_ = true;
    if (plan_.has(from.lane())) plan_.lost(from.lane(), now);
    retire(from);
    refresh(now);
}

void fleet::take_members(channel& from, const wire::item_list& items, time_point now) {
    if (from.node == nullptr || from.instance == 0) return;
    if (!from.members.add(items, from.endpoint())) return;
    views_.told(from.instance, from.members.view(), from.members.take());
    doubt_unvouched();
    members_stale_ = true;
    refresh(now);
}

bool fleet::take_catalog(channel& from, wire::item_list items) {
    auto& parts = from.catalog_parts;
    if (items.part.first == 0) parts.clear();
    if (items.part.first != parts.size() || items.part.total > routes::functions_max) return false;
    wire::catalog_item item;
    if (items.part.total < parts.size() || items.count > items.part.total - parts.size()) {
        from.give_up_reading("the node lists more functions than it says there are");
        return false;
    }
    while (take(items, item)) {
        const auto function = routes_.intern(item.name);
        routes_.set_keys(function, item.key_field, item.space);
        parts.push_back({function, item.flags});
    }
    if (parts.size() != items.part.total) return false;
    from.catalog.clear();
    for (const auto& each : parts) from.catalog.push_back(each.function);
    if (from.node != nullptr) routes_.serves(from.node->place, parts);
    parts = {};
    return from.node != nullptr;
}

void fleet::take_loads(channel& from, wire::item_list items, time_point now) {
    if (from.node == nullptr) return;
    wire::load_item item;
    while (take(items, item)) {
        if (item.function >= from.catalog.size()) continue;
        routes_.reported(from.node->place, from.catalog[item.function], item, ns(now));
    }
}

void fleet::heard(channel& from, time_point now) noexcept {
    from.pulse.heard(ns(now));
    if (from.node != nullptr && from.node->late) mark_late(*from.node);
}

void fleet::update_late(channel& of) noexcept {
    if (of.node != nullptr && of.node->late != of.pulse.late()) mark_late(*of.node);
}

// -- connections come and go -----------------------------------------------------------------

void fleet::join(channel& welcomed, time_point now) {
    const auto known = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& each) {
        return each->instance == welcomed.instance;
    });
    if (known == nodes_.end()) {
        if (nodes_.empty()) name_ = welcomed.node_name;
        nodes_.push_back(std::make_unique<peer_node>());
        welcomed.node = nodes_.back().get();
        welcomed.node->instance = welcomed.instance;
        welcomed.node->place = routes_.add(welcomed.node_name, ns(now));
    } else {
        welcomed.node = known->get();
    }
    welcomed.node->lanes.push_back(&welcomed);
    if (welcomed.node->late) mark_late(*welcomed.node);
    if (!welcomed.node->draining) live_.push_back(&welcomed);
    count_nodes();
    mark_draining();
}

void fleet::leave(channel& gone) noexcept {
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
    if (!nodes_.empty()) name_ = nodes_.front()->lanes.front()->node_name;
}

// Gives the channel no more calls; those in flight are still answered on it.
void fleet::retire(channel& leaving) {
    leave(leaving);
    leaving.now = channel::phase::leaving;
    vacated_.push_back(&leaving);
}

void fleet::lost(channel& gone, time_point now) {
    last_problem_ = gone.endpoint() + ": " + gone.problem();
    leave(gone);
    if (gone.now != channel::phase::leaving) plan_.lost(gone.lane(), now);
    gone.now = channel::phase::leaving;
    std::erase(vacated_, &gone);
    reached_.notify_all();
}

void fleet::unreached(std::uint32_t lane, const std::string& endpoint, const std::string& problem,
                      time_point now) {
    last_problem_ = endpoint + ": " + problem;
    plan_.lost(lane, now);
    reached_.notify_all();
}

void fleet::refuse(channel& from, error why) {
    refused_ = true;
    from.give_up("refused: " + why.detail);
    refusal_ = std::move(why);
}

void fleet::refresh(time_point now) {
    // A node that leaves takes its view of the members along, and that may change them again.
    while (std::exchange(members_stale_, false)) {
        owners_stale_ = true;
        count_nodes();
        if (!views_.members().empty()) plan_.members(views_.members(), now);
        mark_draining();
        std::vector<channel*> unwanted;
        for (const auto& node : nodes_) {
            for (channel* lane : node->lanes)
                if (!plan_.has(lane->lane())) unwanted.push_back(lane);
        }
        for (channel* each : unwanted) retire(*each);
    }
}

void fleet::count_nodes() noexcept {
    many_ = nodes_.size() > 1 || views_.members().size() > 1;
    all_ = nodes_.size() > 1 && nodes_.size() >= views_.members().size();
}

// A node that the others do not name any more may be dead for them and alive for us, or hang.
void fleet::doubt_unvouched() {
    for (const auto& node : nodes_) {
        if (node->instance == 0 || views_.vouched_for(node->instance)) continue;
        for (channel* lane : node->lanes) lane->pulse.doubt();
    }
}

void fleet::mark_late(peer_node& node) noexcept {
    node.late = std::any_of(node.lanes.begin(), node.lanes.end(),
                            [](const channel* lane) { return lane->pulse.late(); });
    routes_.set_late(node.place, node.late);
}

void fleet::mark_draining() {
    for (const auto& node : nodes_) {
        if (node->draining) continue;
        for (const auto& each : views_.members())
            node->draining = node->draining || (each.instance == node->instance && each.draining);
        if (!node->draining) continue;
        routes_.set_open(node->place, false);
        for (channel* lane : node->lanes) {
            std::erase(live_, lane);
            vacated_.push_back(lane);
        }
    }
}

// -- for those who wait ----------------------------------------------------------------------

result<void> fleet::wait_reached(lock& held, std::chrono::milliseconds timeout,
                                 const std::vector<std::string>& endpoints) {
    constexpr std::chrono::milliseconds wait_max = std::chrono::hours(24 * 365);
    const auto until = std::chrono::steady_clock::now() + std::min(timeout, wait_max);
    const bool decided = reached_.wait_until(
        held, until, [&] { return !live_.empty() || (refused_ && plan_.rounds_failed() > 0); });
    if (!live_.empty()) return {};
    if (decided) return refusal_;
    std::string tried;
    for (const auto& endpoint : endpoints) {
        if (!tried.empty()) tried += ", ";
        tried += endpoint;
    }
    return {errc::unavailable, why_unreached(tried, " within " + to_text(timeout))};
}

std::string fleet::why_unreached(std::string_view at, const std::string& within) const {
    return "no node answered at " + std::string(at) + within +
           (last_problem_.empty() ? "" : "; last: " + last_problem_);
}

}  // namespace dunlin::link
