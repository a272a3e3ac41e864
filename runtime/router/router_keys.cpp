// SPDX-License-Identifier: Apache-2.0
//
// Calls with a key: who owns it, and what happens while the owner cannot be reached.
//
// As long as the members stay the same, a key has one owner, and its calls run there and nowhere
// else: an owner that is slow or full queues or refuses them, and one that is out of reach has them
// wait. Only the membership moves a key.
#include "runtime/router/function_registry.hpp"
#include "runtime/router/refusal.hpp"
#include "runtime/router/router.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime {

function_route* router::route_of_key(std::string_view function) {
    // What a node says of itself it says alone.
    if (!view_ || view_->members.size() < 2 || function.starts_with("dunlin/")) return nullptr;
    if (auto* known = routes_.find(function); known != nullptr) return known;
    auto* pool = functions_.find(function);
    if (pool == nullptr) return nullptr;  // and nobody has told that it serves it
    return &routes_.find_or_make(std::string(function),
                                 [&] { return make_route(std::string(function)); });
}

destination router::decide_owner(const function_route& route, bytes_view key,
                                 std::size_t payload_bytes) {
    using to = destination::kind;
    if (!view_) return {to::anybody, nullptr};
    const auto owner = owners_.owner(route.owned_as, as_text(key));
    if (owner == cluster::key_owners::nobody) return {to::anybody, nullptr};
    // An owner that turns out not to serve the function has not told what it serves.
    if (owner == options_.instance)
        return {route.pool != nullptr ? to::here : to::anybody, nullptr};
    auto* link = links_.find(owner);
    if (link == nullptr || !link->live() || link->catalog.empty()) return {to::owner_later, link};
    const bool serves =
        std::find(route.links.begin(), route.links.end(), link) != route.links.end();
    if (!serves) return {to::anybody, nullptr};
    return {link->takes(payload_bytes) ? to::there : to::nobody, link};
}

bool router::await_owner(ledger_entry& entry, std::int64_t now_ns,
                         std::shared_ptr<const error> said) {
    entry.pool = nullptr;
    if (waiting_.add(entry.address(), now_ns, said)) {
        counters_.calls_kept_for_owner.add();
        return true;
    }
    host_.forwarded_error(entry, said ? *said : owner_away(entry));
    return false;
}

error router::owner_away(const ledger_entry& entry) {
    std::string owner = "the owner";
    const auto key = as_text(entry.invocation().key);
    if (view_) {
        const auto* member = view_->find(owners_.owner(entry.route->owned_as, key));
        if (member != nullptr) owner = "node " + member->name;
    }
    error why{errc::unavailable, owner + " of the call's key cannot be reached from node " +
                                     options_.node_name + ", and no other node runs " +
                                     entry.route->name + " for it; the call did not run"};
    why.did_not_run = true;
    return why;
}

void router::send_waiting(std::int64_t now_ns) {
    if (waiting_.empty()) return;
    waiting_.look_again([&](actors::answer_address call) {
        auto* entry = calls_.find(call);
        if (entry == nullptr) return true;  // it was withdrawn, or its time is over
        return go_on(*entry, now_ns);
    });
}

std::int64_t router::advance(std::int64_t now_ns) {
    waiting_.end_overdue(now_ns, [&](actors::answer_address call, const error* said) {
        auto* entry = calls_.find(call);
        if (entry != nullptr)
            host_.forwarded_error(*entry, said != nullptr ? *said : owner_away(*entry));
    });
    return waiting_.next_ns();
}

// @returns false when the call has to wait (on).
bool router::go_on(ledger_entry& entry, std::int64_t now_ns) {
    const auto& call = entry.invocation();
    const auto to = decide(*entry.route, call.key, call.payload.size(), false, now_ns);
    switch (to.what) {
        case destination::kind::owner_later: return false;
        case destination::kind::there:
            if (!outbound_calls::can_carry(entry)) break;
            away_.send(entry, *to.link, now_ns);
            return true;
        case destination::kind::here:
            if (host_.run_here(entry)) return true;
            break;
        default: break;
    }
    host_.forwarded_error(entry, nobody_takes(*entry.route, to));
    return true;
}

error router::nobody_takes(const function_route& route, const destination& chosen) {
    constexpr std::chrono::milliseconds pause{50};
    std::string why = chosen.link != nullptr
                          ? "node " + chosen.link->name + ", which owns the call's key,"
                          : "every node that serves " + route.name;
    error full{errc::overloaded, std::move(why) + " is draining or has all the calls it takes",
               pause};
    full.did_not_run = true;
    if (route.pool != nullptr)
        record_refusal(*route.pool, 1,
                       chosen.link != nullptr ? "the owner of the key takes no more calls"
                                              : "no node that serves it takes more calls",
                       {{"nodes", route.others + 1}}, full);
    return full;
}

}  // namespace dunlin::runtime
