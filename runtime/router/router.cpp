// SPDX-License-Identifier: Apache-2.0
//
// What is served where, and who takes a call.
#include "runtime/router/router.hpp"

#include "actors/decision_log.hpp"
#include "actors/pool.hpp"
#include "runtime/router/function_registry.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace dunlin::runtime {

namespace {

constexpr std::string_view own_functions = "dunlin/";

/// What a hop is taken to cost until it has been measured.
constexpr std::int64_t rtt_assumed_ns = 200'000;

/// Nodes whose window is full are passed over, but not all of very many.
constexpr std::size_t passed_over_max = 8;

}  // namespace

const cluster::candidate& peer_link::load_of(const remote_function& which) noexcept {
    return which.route->candidates[which.place];
}

router::router(const function_registry& functions, ledger& calls, links& over, outbound_calls& away,
               forward_host& host, link_counters& counters, const link_options& options)
    : functions_(functions),
      calls_(calls),
      links_(over),
      away_(away),
      host_(host),
      counters_(counters),
      options_(options),
      spread_(options.seed),
      random_(cluster::mix(options.seed)) {}

void router::set_view(std::shared_ptr<const cluster_view> view, std::int64_t now_ns) {
    view_ = std::move(view);
    std::vector<cluster::key_owners::member> owners;
    for (const auto& each : view_->members)
        owners.push_back({each.instance, each.name, each.draining, each.serves});
    owners_.assign(std::move(owners));
    send_waiting(now_ns);
}

// -- what is served where --------------------------------------------------------------------

void router::catalog_arrived(peer_link& link, std::int64_t now_ns) {
    forget(link);
    link.catalog = std::exchange(link.incoming, {});
    link.full = {};  // that was said by a node that has ended, or a connection
    for (auto& function : link.catalog) {
        // These answer for the node that is asked, whichever that is.
        if (function.name.starts_with(own_functions)) continue;
        auto& route =
            routes_.find_or_make(function.name, [&] { return make_route(function.name); });
        function.route = &route;
        function.place = route.add(link, function.idempotent, now_ns);
        route.learn_keys(function.key_field, function.space);
    }
    standing_changed(link);
    send_waiting(now_ns);
}

std::unique_ptr<function_route> router::make_route(const std::string& function) const {
    return std::make_unique<function_route>(function, functions_.find(function), options_.node_name,
                                            options_.seed);
}

void router::standing_changed(peer_link& link) {
    const bool open = link.live() && !link.draining;
    for (auto& function : link.catalog) {
        if (function.route == nullptr) continue;
        function.route->open[function.place] = open;
        function.route->late[function.place] = link.pulse.late();
        function.route->candidates[function.place].rtt_ns =
            link.rtt_ns == 0 ? rtt_assumed_ns : link.rtt_ns;
    }
}

// Routes outlive links.
void router::forget(peer_link& link) noexcept {
    for (auto& function : link.catalog)
        if (function.route != nullptr) function.route->remove(function.place);
    link.catalog.clear();
}

const peer_link* router::untold() const noexcept {
    const auto& all = links_.all();
    const auto found = std::find_if(all.begin(), all.end(), [](const auto& link) {
        return link->member && link->catalog.empty();
    });
    return found == all.end() ? nullptr : found->get();
}

void router::loads(peer_link& link, wire::item_list items, std::int64_t now_ns) {
    constexpr auto ns_max = static_cast<std::uint64_t>(std::int64_t{1} << 50);
    for (wire::load_item each; take(items, each);) {
        if (each.function >= link.catalog.size()) continue;
        const auto& function = link.catalog[each.function];
        if (function.route == nullptr) continue;
        auto& route = *function.route;
        route.candidates[function.place].learn(
            {static_cast<std::int64_t>(std::min(each.wait_ns, ns_max)),
             static_cast<std::int64_t>(std::min(each.step_ns, ns_max)), each.idle,
             static_cast<float>(std::min(each.busy_permille, 1000u)) / 1000.0F, each.in_flight,
             each.room},
            0, now_ns);
        route.warm.heard(route.candidates, now_ns);
        record_width(route);
    }
}

// -- deciding --------------------------------------------------------------------------------

function_route* router::route(std::string_view function) noexcept {
    if (routes_.empty()) return nullptr;
    auto* found = routes_.find(function);
    return found != nullptr && found->others != 0 ? found : nullptr;
}

std::int64_t router::look_here(function_route& route, std::int64_t now_ns) {
    if (route.pool == nullptr) return 0;
    const auto wait = route.pool->wait(now_ns);
    auto& own = route.candidates[function_route::own_place];
    own.learn({wait.wait_ns, wait.step_ns, wait.idle, wait.busy, wait.in_flight, wait.room}, 0,
              now_ns);
    own.service_ns = wait.service_ns;
    return wait.free_ns;
}

void router::narrow(function_route& route, std::span<const std::uint32_t> tried,
                    std::int64_t now_ns) const {
    route.refresh_standings(now_ns);
    route.warm.narrow(route.candidates, tried, now_ns);
    record_width(route);
    if (!tried.empty()) return;  // the own node may stand in for another one
    if (!route.warm.has_own()) {
        route.warm_here_until_ns = 0;
        return;
    }
    if (route.warm_here_until_ns - now_ns > function_registry::warm_ns / 2) return;
    route.warm_here_until_ns = now_ns + function_registry::warm_ns;
    if (const auto* own = functions_.find_served(route.name)) own->keep_here(now_ns);
}

// Each lane decides for itself, so a node of several writes a change down once for each; those that
// come within a second are one record.
void router::record_width(function_route& route) {
    if (std::exchange(route.changes_recorded, route.warm.changes()) == route.warm.changes()) return;
    auto* log = route.pool == nullptr ? nullptr : route.pool->env().decisions;
    if (log == nullptr) return;
    const auto& change = route.warm.last_change();
    const bool grew = change.to > change.from;
    log->add(
        log->series_of(route.name), change.at_ns,
        {.kind = grew ? actors::decision_kind::widen : actors::decision_kind::fold,
         .rule = grew ? "the nodes where it was warm were used beyond their share"
                      : "what they did had fitted into one node fewer for a while",
         .of = "nodes",
         .before = change.from,
         .after = change.to,
         .inputs = {{"used_percent", 100 * change.used}, {"limit_percent", 100 * change.limit}}});
}

destination router::decide(function_route& route, bytes_view key, std::size_t payload_bytes,
                           bool chosen, std::int64_t now_ns) {
    using to = destination::kind;
    if (!key.empty()) {
        const auto owner = decide_owner(route, key, payload_bytes);
        if (owner.what != to::anybody) return owner;
    }
    const auto otherwise = route.pool != nullptr ? to::here : to::nobody;
    const auto free_ns = look_here(route, now_ns);
    // Most calls start here at once. For them nothing that others say can matter, and looking at
    // all of them is what costs more with each node.
    const auto& own = route.candidates[function_route::own_place];
    const bool idle = route.pool != nullptr && own.report.idle > own.sent_since;
    if (idle && chosen) return {to::here, nullptr};
    if (idle && now_ns < route.warm_here_until_ns &&
        cluster::used_share(own) <= cluster::busy_margin)
        return {to::here, nullptr};
    // A client that knows all nodes gives each its part of a burst. What the others said before it
    // came does not count their parts: each node would believe them idle and send its own on.
    if (chosen) route.refresh_standings(now_ns);
    if (chosen && route.pool != nullptr) route.bar_unheard_since(free_ns);
    std::array<std::uint32_t, passed_over_max> passed{};
    for (std::size_t count = 0; count < passed.size(); ++count) {
        const std::span<const std::uint32_t> tried{passed.data(), count};
        // What a client has chosen knows all nodes, and whether the function is warm here.
        if (!chosen) narrow(route, tried, now_ns);
        const auto place = spread_.choose(route.candidates, tried, now_ns);
        if (place == cluster::spread::none) return {otherwise, nullptr};
        auto* link = route.links[place];
        if (link == nullptr) return {to::here, nullptr};
        if (link->takes(payload_bytes)) return {to::there, link};
        passed[count] = static_cast<std::uint32_t>(place);
    }
    return {otherwise, nullptr};
}

peer_link* router::decide_again(const ledger_entry& entry, after what, std::int64_t now_ns) {
    auto& route = *entry.route;
    static_cast<void>(look_here(route, now_ns));
    std::array<std::uint32_t, ledger_entry::sends_max + 1 + passed_over_max> passed{};
    std::size_t count = 0;
    passed[count++] = function_route::own_place;
    for (std::uint32_t place = 1; place < route.links.size() && count < passed.size(); ++place) {
        const auto* link = route.links[place];
        if (link != nullptr && entry.was_tried_on(link->instance)) passed[count++] = place;
    }
    const auto bytes = entry.invocation().payload.size();
    while (count < passed.size()) {
        const std::span<const std::uint32_t> tried{passed.data(), count};
        route.refresh_standings(now_ns);
        route.warm.narrow(route.candidates, tried, now_ns);
        record_width(route);
        const auto place = spread_.choose(route.candidates, tried, now_ns);
        if (place == cluster::spread::none) return nullptr;
        // One that is avoided is drawn only if none is usable.
        if (what == after::refusal && route.candidates[place].now != cluster::standing::usable)
            return nullptr;
        auto* link = route.links[place];
        if (link != nullptr && link->takes(bytes)) return link;
        passed[count++] = static_cast<std::uint32_t>(place);
    }
    return nullptr;
}

}  // namespace dunlin::runtime
