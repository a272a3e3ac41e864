// SPDX-License-Identifier: Apache-2.0
//
// Calls that other nodes may run: which of them leave, and what becomes of those that do not.
#include "actors/pool.hpp"
#include "runtime/lane/admission.hpp"
#include "runtime/link/function_route.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace dunlin::runtime {

namespace {

/// Calls of one frame that go to other nodes stand together in bundles of this size.
constexpr std::size_t away_bundle_max = 64;

}  // namespace

bool admission::send_on(peer& from, const wire::invoke& call, gathering& into) {
    if ((call.flags & wire::invoke_flags::forwarded) != 0) return false;
    // A bundle that was begun here is filled here: that it would be quick was decided with it.
    if (into.work && call.key.empty()) return false;
    if (!into.memory.fits()) return false;
    auto* route = into.route != nullptr ? into.route : router_.route_of_key(call.function);
    if (route == nullptr) return false;
    const bool chosen = (call.flags & wire::invoke_flags::chosen) != 0;
    const auto to = router_.decide(*route, call.key, call.payload.size(), chosen, now_ns_);
    if (to.what == destination::kind::here) return false;
    if (!into.away || into.away->full()) {
        const auto capacity = std::min(away_bundle_max, into.envelopes_expected);
        into.away = actors::bundle::create(static_cast<std::uint32_t>(capacity), into.memory);
        into.memory.carries(*into.away);
        calls_.keep(into.away);
    }
    busy_poll_.handled(1);
    auto& entry = enter(from, call, into, *into.away);
    entry.route = route;
    entry.pool = nullptr;
    leave_here(entry, to);
    return true;
}

void admission::leave_here(ledger_entry& entry, const destination& to) {
    if (to.what == destination::kind::owner_later) {
        static_cast<void>(router_.await_owner(entry, now_ns_));
    } else if (to.what == destination::kind::there && outbound_calls::can_carry(entry)) {
        calls_.away().send(entry, *to.link, now_ns_);
    } else {
        calls_.forwarded_error(entry, router::nobody_takes(*entry.route, to));
    }
}

// Calls that this node's pool has no room for. Those that nobody else takes either are refused
// together, after it is known how many they are: one decision, one record.
void admission::spill(actors::bundle& work, std::uint32_t from, const actors::pool& full,
                      const actors::admission_decision& reason) {
    actors::bundle_ptr away;
    std::vector<actors::answer_address> refused;
    for (auto i = from; i < work.size(); ++i) {
        auto* entry = calls_.ledger().find(work[i].address);
        if (entry == nullptr) continue;
        peer_link* to = nullptr;
        // A key is served by its owner or by nobody.
        const bool may_go = entry->route != nullptr && work[i].key.empty();
        if (may_go && outbound_calls::can_carry(*entry))
            to = router_.decide_again(*entry, router::after::refusal, now_ns_);
        if (to == nullptr) {
            refused.push_back(entry->address());
            continue;
        }
        if (!away) {
            away = actors::bundle::create(work.size() - from, work.memory());
            calls_.keep(away);
        }
        open_calls::move(*entry, away);
        entry->pool = nullptr;
        calls_.away().send(*entry, *to, now_ns_);
    }
    if (refused.empty()) return;
    const auto why = full.refusal(reason, static_cast<std::uint32_t>(refused.size()));
    for (const auto address : refused)
        if (auto* entry = calls_.ledger().find(address); entry != nullptr)
            calls_.forwarded_error(*entry, why);
}

// It has a place in the ledger, and has not begun: the answer comes back through here.
void admission::send_on(const moving_call& call) {
    calls_.settle();
    auto* entry = calls_.ledger().find(call.which);
    if (entry == nullptr || entry->via != nullptr) return;  // it was answered, or has gone before
    if (takes_ == taking::nothing) return calls_.forwarded_error(*entry, not_taken_any_more());
    auto& invocation = entry->invocation();
    auto* route =
        entry->pool == nullptr ? entry->route : router_.route_of_key(entry->pool->info().name);
    auto* pool = entry->pool;
    if (route == nullptr) {
        if (pool == nullptr) return calls_.forwarded_error(*entry, not_taken_any_more());
        return run_again(*entry, *pool);
    }
    entry->route = route;
    const auto to =
        router_.decide(*route, invocation.key, invocation.payload.size(), false, now_ns_);
    ++invocation.moves;
    if (to.what == destination::kind::here && pool != nullptr) return run_again(*entry, *pool);
    entry->pool = nullptr;
    leave_here(*entry, to);
}

// The key came back meanwhile.
void admission::run_again(ledger_entry& entry, actors::pool& pool) {
    const auto work = actors::bundle::create(1, entry.work->memory());
    calls_.keep(work);
    open_calls::move(entry, work);
    entry.pool = &pool;
    pool.submit(actors::bundle_ptr(work),
                [&](actors::bundle&, std::uint32_t, const actors::admission_decision& why) {
                    calls_.forwarded_error(entry, pool.refusal(why));
                });
}

void admission::take(travelling_call& call) {
    auto& invocation = (*call.single)[0];
    // Its links are gone or about to go.
    if (takes_ == taking::nothing)
        return invocation.origin->answer_error(invocation.address, not_taken_any_more());
    auto& asker = calls_.inside();
    asker.retries.called();
    auto* route = router_.route(call.function);
    if (route == nullptr && !invocation.key.empty()) route = router_.route_of_key(call.function);
    const auto* known = functions_.find_served(call.function);
    auto* pool = known == nullptr ? nullptr : known->pool.get();
    // Nobody else serves it: the next calls need not ask.
    if (route == nullptr && known != nullptr) known->keep_here(now_ns_);
    const auto to = route == nullptr ? destination{destination::kind::here, nullptr}
                                     : router_.decide(*route, invocation.key,
                                                      invocation.payload.size(), false, now_ns_);
    if (to.what == destination::kind::here && pool != nullptr) {
        pool->submit(std::move(call.single), [pool](actors::bundle& work, std::uint32_t,
                                                    const actors::admission_decision& why) {
            work[0].origin->answer_error(work[0].address, pool->refusal(why));
        });
        return;
    }
    if (route == nullptr)
        return invocation.origin->answer_error(invocation.address, explain_unknown(call.function));
    if (to.what == destination::kind::nobody)
        return invocation.origin->answer_error(invocation.address,
                                               router::nobody_takes(*route, to));
    auto& entry = calls_.open(asker, invocation.id);
    entry.work = call.single.get();
    entry.index = 0;
    entry.route = route;
    entry.pool = nullptr;
    calls_.keep(call.single);
    invocation.carried = entry.address();
    invocation.carrier.store(&calls_, std::memory_order_seq_cst);
    if (invocation.stop.requested())  // what stopped it saw no carrier
        return calls_.forwarded_error(entry,
                                      {invocation.stop.reason(), "its caller stopped waiting"});
    leave_here(entry, to);
}

}  // namespace dunlin::runtime
