// SPDX-License-Identifier: Apache-2.0
//
// What other nodes answer, and what becomes of a call that failed there or was lost with its node.
#include "actors/pool.hpp"
#include "client/checks.hpp"
#include "runtime/log.hpp"
#include "runtime/router/router.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace dunlin::runtime {

namespace {

/// Of the owner of a key: it does not matter how long it goes on to own that.
bool stays_refused(errc code) noexcept {
    return code == errc::invalid_argument || code == errc::permission_denied ||
           code == errc::unauthenticated;
}

}  // namespace

void router::replied(peer_link& link, const wire::reply& reply,
                     const std::shared_ptr<link::received_frame>& frame, std::int64_t now_ns) {
    auto* entry = away_.find(link, reply.id);
    if (entry == nullptr) return counters_.answers_late.add();
    judge(*entry, nullptr, now_ns);
    away_.detach(*entry);
    host_.forwarded_value(*entry, reply.payload, frame);
}

void router::cold(const peer_link& link, std::uint64_t id) noexcept {
    if (auto* entry = away_.find(link, id); entry != nullptr) entry->cold_elsewhere = true;
}

void router::failed(peer_link& link, const wire::failure& failure, std::int64_t now_ns) {
    auto* entry = away_.find(link, failure.id);
    if (entry == nullptr) {
        if (failure.id != 0) counters_.answers_late.add();
        return;
    }
    constexpr auto retry_after_us_max = std::uint64_t{1} << 50;
    error why{errc_from_number(failure.code), std::string(failure.detail),
              std::chrono::microseconds(std::min(failure.retry_after_us, retry_after_us_max)),
              failure.did_not_run};
    if (why.code == errc::overloaded && failure.whole_node) {
        entry->route->health.lives(entry->place);
        link.full.refused(why.retry_after / std::chrono::nanoseconds(1), now_ns, random_);
    } else {
        judge(*entry, &why, now_ns);
    }
    away_.detach(*entry);
    failed(*entry, std::move(why), ended::answered, now_ns);
}

void router::connection_lost(peer_link& link, bool said_goaway, std::int64_t now_ns) {
    // Closed at once: none of its calls may go back to it.
    for (auto& function : link.catalog)
        if (function.route != nullptr) function.route->open[function.place] = false;
    if (link.in_flight != 0) {
        calls_.for_each_open([&](ledger_entry& entry) {
            if (entry.via == &link) lost(entry, link, said_goaway, now_ns);
        });
    }
    forget(link);
}

// What an answer says about the node that gave it.
void router::judge(const ledger_entry& entry, const error* why, std::int64_t now_ns) {
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

void router::failed(ledger_entry& entry, error why, ended how, std::int64_t now_ns) {
    entry.cold_elsewhere = false;  // whoever it goes to next may have an activation for it
    if (away_.recalls() && why.code == errc::cancelled)
        return host_.recalled(entry, why.did_not_run);
    if (away_.recalls() || !goes_elsewhere(entry, why, how, now_ns))
        host_.forwarded_error(entry, std::move(why));
}

// The link has ended, or its node has, while it had the call.
void router::lost(ledger_entry& entry, const peer_link& with, bool said_goaway,
                  std::int64_t now_ns) {
    error why{errc::unavailable, "node " + with.name + " was lost while it had " +
                                     entry.route->name +
                                     ", which may have run: " + with.lost_by.why};
    judge(entry, &why, now_ns);
    away_.detach(entry);
    // A node that said that it leaves was not ended by the call.
    const bool counts = !said_goaway && entry.losses.add({.instance = with.instance,
                                                          .silent = with.lost_by.silent,
                                                          .sent_ns = entry.sent_ns,
                                                          .heard_ns = with.pulse.heard_ns()},
                                                         now_ns);
    if (entry.losses.count() >= wire::losses_max) {
        counters_.calls_lost_twice.add();
        why.detail =
            link::lost_again(entry.route->name, entry.lost_with ? *entry.lost_with : "", with.name);
        if (const auto unsaid = said_.due("lost twice " + entry.route->name, now_ns))
            log().warn("call not tried again",
                       {{"function", entry.route->name}, {"why", why.detail}, {"unsaid", *unsaid}});
        return host_.forwarded_error(entry, std::move(why));
    }
    if (counts && !entry.lost_with) entry.lost_with = std::make_unique<std::string>(with.name);
    failed(entry, std::move(why), ended::lost, now_ns);
}

// Decides between another node, this node and an answer. @returns whether it is none yet.
bool router::goes_elsewhere(ledger_entry& entry, const error& why, ended how, std::int64_t now_ns) {
    auto& call = entry.invocation();
    const bool did_not_run = why.did_not_run || why.code == errc::overloaded ||
                             why.code == errc::not_found;  // it served the function a moment ago
    const bool repeatable = why.code == errc::unavailable && entry.route->idempotent &&
                            call.retries_left > 0 && entry.losses.count() < wire::losses_max;
    if (!did_not_run && !repeatable) return false;
    if (call.deadline_ns <= now_ns || !outbound_calls::can_carry(entry)) return false;
    // The owner of a key has refused the call: it is full, and no other node takes it instead.
    if (!call.key.empty() && why.code == errc::overloaded) return false;
    const auto before = why.code == errc::overloaded ? after::refusal : after::failure;
    peer_link* next = nullptr;
    if (before == after::refusal) {
        // As clients do: another node may answer in time if there is left what the refusal took.
        if (now_ns + (now_ns - entry.sent_ns) < call.deadline_ns)
            next = decide_again(entry, before, now_ns);
        // The budget is for what others have to bear.
        if (next == nullptr) return entry.route->pool != nullptr && host_.run_here(entry);
    }
    // A link is lost once, however many calls it had: what each of them costs others is bounded
    // without the budget.
    const bool first_loss = how == ended::lost && entry.sends == 1;
    if (!first_loss && !entry.asker->retries.may_retry(now_ns)) return false;
    if (!did_not_run) {
        entry.may_have_run = true;
        call.attempt += wire::attempt_step_of_nodes;
        --call.retries_left;
    }
    if (!call.key.empty()) {
        const auto owner = decide_owner(*entry.route, call.key, call.payload.size());
        const bool refused =
            owner.link != nullptr && did_not_run && entry.was_tried_on(owner.link->instance);
        const bool same = refused && owner.what == destination::kind::there;
        if (same && stays_refused(why.code)) return false;
        // One that does not take it any more is about to drain, and then the key has another owner.
        if (same || owner.what == destination::kind::owner_later) {
            const bool told = refused && how == ended::answered;
            static_cast<void>(
                await_owner(entry, now_ns, told ? std::make_shared<const error>(why) : nullptr));
            return true;
        }
        if (owner.what != destination::kind::anybody) {
            counters_.calls_retried.add();
            return go_on(entry, now_ns);
        }
    }
    if (next == nullptr) next = decide_again(entry, before, now_ns);
    if (next != nullptr) {
        counters_.calls_retried.add();
        away_.send(entry, *next, now_ns);
        return true;
    }
    return entry.route->pool != nullptr && host_.run_here(entry);
}

}  // namespace dunlin::runtime
