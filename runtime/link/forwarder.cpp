// SPDX-License-Identifier: Apache-2.0
//
// Calls: who takes one, how it is sent, and what becomes of it when that fails.
#include "runtime/link/forwarder.hpp"

#include "actors/pool.hpp"
#include "actors/request_trace.hpp"
#include "client/checks.hpp"
#include "runtime/log.hpp"
#include "runtime/router/function_registry.hpp"

#include <algorithm>
#include <array>

namespace dunlin::runtime {

namespace {

/// A frame that holds this much leaves at once; see outlet.cpp, which does the same with answers.
constexpr std::uint32_t frame_envelopes_cut = 256;
constexpr std::size_t frame_bytes_cut = 64 * 1024;

/// What has not answered so long after the last call was sent has long functions.
constexpr std::int64_t due_ns = 1'000'000;

/// Nodes whose window is full are passed over, but not all of very many.
constexpr std::size_t passed_over_max = 8;

std::uint32_t place_of(const function_route& route, const peer_link& link) noexcept {
    const auto found = std::find(route.links.begin() + 1, route.links.end(), &link);
    return static_cast<std::uint32_t>(found - route.links.begin());
}

bool was_tried(const ledger_entry& entry, const peer_link& link) noexcept {
    const auto* end = entry.tried.data() + std::min(entry.tried.size(), std::size_t{entry.sends});
    return std::find(entry.tried.data(), end, link.instance) != end;
}

}  // namespace

// How an entry is called on a link: its address, and which sending of it this is.
std::uint64_t forwarder::link_id(const ledger_entry& entry) noexcept {
    return std::uint64_t{entry.generation} << 32 | std::uint64_t{entry.sends} << slot_bits |
           entry.slot;
}

ledger_entry* forwarder::find(peer_link& link, std::uint64_t id) noexcept {
    constexpr auto slots = std::uint32_t{1} << slot_bits;
    auto* entry = calls_.find(
        {static_cast<std::uint32_t>(id & (slots - 1)), static_cast<std::uint32_t>(id >> 32)});
    return entry != nullptr && entry->via == &link && link_id(*entry) == id ? entry : nullptr;
}

bool forwarder::can_carry(const ledger_entry& entry) noexcept {
    return entry.slot < (std::uint32_t{1} << slot_bits) && entry.sends < ledger_entry::sends_max;
}

function_route* forwarder::route(std::string_view function) noexcept {
    if (routes_.empty()) return nullptr;
    auto* found = routes_.find(function);
    return found != nullptr && found->others != 0 ? found : nullptr;
}

std::int64_t forwarder::look_here(function_route& route, std::int64_t now_ns) {
    if (route.pool == nullptr) return 0;
    const auto wait = route.pool->wait(now_ns);
    auto& own = route.candidates[function_route::own_place];
    own.learn({wait.wait_ns, wait.step_ns, wait.idle, wait.busy}, 0, now_ns);
    own.service_ns = wait.service_ns;
    return wait.free_ns;
}

destination forwarder::choose(function_route& route, bytes_view key, std::size_t payload_bytes,
                              bool chosen, std::int64_t now_ns) {
    using to = destination::kind;
    if (!key.empty()) {
        const auto owner = choose_owner(route, key, payload_bytes);
        if (owner.what != to::anybody) return owner;
    }
    const auto otherwise = route.pool != nullptr ? to::here : to::nobody;
    const auto free_ns = look_here(route, now_ns);
    // Most calls start here at once. For them nothing that others say can matter, and looking at
    // all of them is what costs more with each node.
    const auto& own = route.candidates[function_route::own_place];
    const bool idle = route.pool != nullptr && own.report.idle > own.sent_since;
    if (idle && (chosen || own.report.busy <= cluster::busy_margin)) return {to::here, nullptr};
    route.refresh_standings(now_ns);
    // A client that knows all nodes gives each its part of a burst. What the others said before it
    // came does not count their parts: each node would believe them idle and send its own on.
    if (chosen && route.pool != nullptr) route.bar_unheard_since(free_ns);
    std::array<std::uint32_t, passed_over_max> passed{};
    for (std::size_t count = 0; count < passed.size(); ++count) {
        const auto place = spread_.choose(route.candidates, {passed.data(), count}, now_ns);
        if (place == cluster::spread::none) return {otherwise, nullptr};
        auto* link = route.links[place];
        if (link == nullptr) return {to::here, nullptr};
        if (link->takes(payload_bytes)) return {to::there, link};
        passed[count] = static_cast<std::uint32_t>(place);
    }
    return {otherwise, nullptr};
}

peer_link* forwarder::choose_again(const ledger_entry& entry, std::int64_t now_ns) {
    auto& route = *entry.route;
    static_cast<void>(look_here(route, now_ns));
    route.refresh_standings(now_ns);
    std::array<std::uint32_t, ledger_entry::sends_max + 1 + passed_over_max> passed{};
    std::size_t count = 0;
    passed[count++] = function_route::own_place;
    for (std::uint32_t place = 1; place < route.links.size() && count < passed.size(); ++place) {
        const auto* link = route.links[place];
        if (link != nullptr && was_tried(entry, *link)) passed[count++] = place;
    }
    const auto bytes = entry.invocation().payload.size();
    while (count < passed.size()) {
        const auto place = spread_.choose(route.candidates, {passed.data(), count}, now_ns);
        if (place == cluster::spread::none) return nullptr;
        auto* link = route.links[place];
        if (link != nullptr && link->takes(bytes)) return link;
        passed[count++] = static_cast<std::uint32_t>(place);
    }
    return nullptr;
}

void forwarder::send(ledger_entry& entry, peer_link& to, std::int64_t now_ns) {
    const auto& call = entry.invocation();
    auto& route = *entry.route;
    entry.tried[entry.sends++] = to.instance;
    entry.via = &to;
    entry.place = place_of(route, to);
    ++to.in_flight;
    ++calls_away_;
    sent_ns_ = now_ns;
    to.bytes_in_flight += call.payload.size();
    route.candidates[entry.place].sent(now_ns);
    route.health.sent(entry.place, now_ns);

    wire::invoke envelope;
    envelope.id = link_id(entry);
    envelope.function = entry.route->name;
    if (call.deadline_ns != actors::no_deadline)
        envelope.remaining_us = static_cast<std::uint64_t>(
            std::max<std::int64_t>((call.deadline_ns - now_ns) / 1000, 1));
    envelope.flags = wire::invoke_flags::forwarded;
    envelope.attempt = call.attempt;
    envelope.retries_left = call.retries_left;
    envelope.key = call.key;
    envelope.trace = call.trace;
    envelope.payload = call.payload;
    // A call without a name gets one from which the next node makes the same request id.
    const bool named = call.source != 0;
    envelope.origin = named ? call.source : options_.instance;
    envelope.origin_id = named ? call.id : actors::own_number_of(call);
    envelope.losses = entry.losses;
    envelope.lost = entry.lost;
    if (now_ns - to.out_dated_ns >= wire::sent_every / std::chrono::nanoseconds(1)) {
        to.out_dated_ns = now_ns;
        wire::append(to.out, wire::sent{static_cast<std::uint64_t>(now_ns) / 1000});
    }
    wire::append(to.out, envelope);
    counters_.calls_forwarded.add();
    count_envelope(to);
}

void forwarder::withdraw(ledger_entry& entry) {
    auto& link = *entry.via;
    const auto id = link_id(entry);
    detach(entry);
    if (link.lost || link.connection == nullptr) return;
    wire::append(link.out, wire::cancel{id});
    count_envelope(link);
}

void forwarder::recall_all() {
    recalls_ = true;
    calls_.for_each_open([this](ledger_entry& entry) {
        if (entry.via == nullptr || entry.via->lost || entry.via->connection == nullptr) return;
        wire::append(entry.via->out, wire::cancel{link_id(entry)});
        count_envelope(*entry.via);
    });
    flush();
}

void forwarder::detach(ledger_entry& entry) noexcept {
    auto& link = *std::exchange(entry.via, nullptr);
    --link.in_flight;
    --calls_away_;
    link.bytes_in_flight -= entry.invocation().payload.size();
}

bool forwarder::answers_due(std::int64_t now_ns) const noexcept {
    return calls_away_ != 0 && now_ns - sent_ns_ < due_ns;
}

// What an answer says about the node that gave it.
void forwarder::judge(const ledger_entry& entry, const error* why, std::int64_t now_ns) {
    auto& health = entry.route->health;
    if (why == nullptr) return health.succeeded(entry.place, now_ns);
    switch (why->code) {
        case errc::overloaded:
            return health.refused(entry.place, why->retry_after / std::chrono::nanoseconds(1),
                                  now_ns);
        case errc::unavailable:
        case errc::internal:
            if (!health.failed(entry.place, now_ns)) return;
            if (const auto unsaid = said_.due(entry.route->name + ' ' + entry.via->name, now_ns))
                log().warn("circuit open", {{"function", entry.route->name},
                                            {"node", entry.via->name},
                                            {"why", why->detail},
                                            {"unsaid", *unsaid}});
            return;
        case errc::cancelled: return;
        default: return health.succeeded(entry.place, now_ns);
    }
}

void forwarder::failed(ledger_entry& entry, error why, std::int64_t now_ns) {
    if (recalls_ && why.code == errc::cancelled) return host_.recalled(entry, why.did_not_run);
    if (recalls_ || !goes_elsewhere(entry, why, now_ns))
        host_.forwarded_error(entry, std::move(why));
}

// The link has ended, or its node has, while it had the call.
void forwarder::lost(ledger_entry& entry, const peer_link& with, bool said_goaway,
                     std::int64_t now_ns) {
    error why{errc::unavailable, "node " + with.name + " was lost while it had " +
                                     entry.route->name + ", which may have run: " + with.lost_why};
    judge(entry, &why, now_ns);
    detach(entry);
    // A node that said that it leaves was not ended by the call; and whoever sent the call here may
    // have lost it with the same node, before this one knew.
    if (!said_goaway && (entry.losses == 0 || entry.lost != with.instance)) {
        if (entry.losses++ == 0) entry.lost = with.instance;
    }
    if (entry.losses >= wire::losses_max) {
        counters_.calls_lost_twice.add();
        why.detail =
            link::lost_again(entry.route->name, entry.lost_with ? *entry.lost_with : "", with.name);
        if (const auto unsaid = said_.due("lost twice " + entry.route->name, now_ns))
            log().warn("call not tried again",
                       {{"function", entry.route->name}, {"why", why.detail}, {"unsaid", *unsaid}});
        return host_.forwarded_error(entry, std::move(why));
    }
    if (!entry.lost_with) entry.lost_with = std::make_unique<std::string>(with.name);
    failed(entry, std::move(why), now_ns);
}

// Decides between another node, this node and an answer. @returns whether it is none yet.
bool forwarder::goes_elsewhere(ledger_entry& entry, const error& why, std::int64_t now_ns) {
    auto& call = entry.invocation();
    const bool did_not_run = why.did_not_run || why.code == errc::overloaded ||
                             why.code == errc::not_found;  // it served the function a moment ago
    const bool repeatable = why.code == errc::unavailable && entry.route->idempotent &&
                            call.retries_left > 0 && entry.losses < wire::losses_max;
    if (!did_not_run && !repeatable) return false;
    if (call.deadline_ns <= now_ns || !can_carry(entry)) return false;
    // The owner of a key has refused the call: it is full, and no other node takes it instead.
    if (!call.key.empty() && why.code == errc::overloaded) return false;
    // A link is lost once, however many calls it had: what each of them costs others is bounded
    // without the budget.
    const bool first_loss = !did_not_run && entry.losses == 1 && entry.sends == 1;
    if (!first_loss && !entry.asker->retries.may_retry(now_ns)) return false;
    if (!did_not_run) {
        entry.may_have_run = true;
        call.attempt += wire::attempt_step_of_nodes;
        --call.retries_left;
    }
    if (!call.key.empty()) {
        const auto owner = choose_owner(*entry.route, call.key, call.payload.size());
        const bool same = owner.link != nullptr && owner.what == destination::kind::there &&
                          did_not_run && was_tried(entry, *owner.link);
        // One that does not take it any more is about to drain, and then the key has another owner.
        if (same || owner.what == destination::kind::owner_later) {
            static_cast<void>(await_owner(entry, now_ns));
            return true;
        }
        if (owner.what != destination::kind::anybody) {
            counters_.calls_retried.add();
            return go_on(entry, now_ns);
        }
    }
    if (auto* next = choose_again(entry, now_ns); next != nullptr) {
        counters_.calls_retried.add();
        send(entry, *next, now_ns);
        return true;
    }
    return entry.route->pool != nullptr && host_.run_here(entry);
}

void forwarder::count_envelope(peer_link& link) {
    if (!std::exchange(link.dirty, true)) dirty_.push_back(&link);
    ++link.out_envelopes;
    if (link.out_envelopes >= frame_envelopes_cut || link.out.size >= frame_bytes_cut) flush(link);
}

void forwarder::flush(peer_link& link) {
    link.out_envelopes = 0;
    link.out_dated_ns = 0;
    if (link.out.empty() || link.connection == nullptr) return link.out.clear();
    link.connection->send(link.out);
    link.unheard = true;
    link.out.clear();
    if (!link.connection->problem().empty()) give_up(link, link.connection->problem());
}

void forwarder::flush() {
    for (auto* link : dirty_) {
        link->dirty = false;
        flush(*link);
    }
    dirty_.clear();
}

bool forwarder::send_gossip(std::uint64_t to, bytes_view message) {
    auto* link = find(to);
    if (link == nullptr || link->connection == nullptr || link->lost ||
        link->now == peer_link::phase::greeting)
        return false;
    wire::append(link->out, wire::gossip{message});
    count_envelope(*link);
    return true;
}

}  // namespace dunlin::runtime
