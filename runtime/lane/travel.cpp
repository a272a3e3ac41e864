// SPDX-License-Identifier: Apache-2.0
//
// The part of a lane that knows of other nodes: calls that travel, and their answers.
#include "actors/activation.hpp"
#include "client/checks.hpp"
#include "runtime/lane/gathering.hpp"
#include "runtime/lane/lane.hpp"
#include "runtime/log.hpp"
#include "support/address_resolver.hpp"

#include <algorithm>

namespace dunlin::runtime {

namespace {

/// Calls of one frame that go to other nodes stand together in bundles of this size.
constexpr std::size_t away_bundle_max = 64;

}  // namespace

void lane::carry(membership_driver& membership) {
    membership_ = &membership;
    links_.listen(membership);
    handshake_.use_membership(membership);
}

// -- calls that may run elsewhere --------------------------------------------------------------

bool lane::send_on(peer& from, const wire::invoke& call, gathering& into) {
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
        turn_work_.push_back(into.away);
    }
    auto& entry = enter(from, call, *into.away, into);
    entry.route = route;
    entry.pool = nullptr;
    leave_here(entry, to);
    return true;
}

void lane::leave_here(ledger_entry& entry, const destination& to) {
    if (to.what == destination::kind::owner_later) {
        static_cast<void>(router_.await_owner(entry, now_ns_));
    } else if (to.what == destination::kind::there && outbound_calls::can_carry(entry)) {
        away_.send(entry, *to.link, now_ns_);
    } else {
        answer(entry, router::nobody_takes(*entry.route, to));
        close(entry);
    }
}

// Calls that this node's pool has no room for.
void lane::spill(actors::bundle& work, std::uint32_t from, const error& why) {
    actors::bundle_ptr away;
    for (auto i = from; i < work.size(); ++i) {
        auto* entry = ledger_.find(work[i].address);
        if (entry == nullptr) continue;
        peer_link* to = nullptr;
        // A key is served by its owner or by nobody.
        const bool may_go = entry->route != nullptr && work[i].key.empty();
        if (may_go && outbound_calls::can_carry(*entry)) to = router_.decide_again(*entry, now_ns_);
        if (to == nullptr) {
            answer(*entry, why);
            close(*entry);
            continue;
        }
        if (!away) {
            away = actors::bundle::create(work.size() - from, work.memory());
            turn_work_.push_back(away);
        }
        entry->work = away.get();
        entry->index = away->size();
        if (entry->keep) entry->keep = away;
        entry->pool = nullptr;
        away->add_again(work[i]);
        away_.send(*entry, *to, now_ns_);
    }
}

bool lane::run_here(ledger_entry& entry) {
    auto* pool = entry.route->pool;
    if (entry.asker->what == caller::kind::functions) {
        // It goes the way it would have gone without other nodes: the pool answers the function
        // that asked, and finds the call where its stop looks for it.
        entry.work->retain();
        actors::bundle_ptr single(entry.work);
        const bool may_have_run = entry.may_have_run;
        close(entry);
        pool->submit(std::move(single), [=](actors::bundle& work, std::uint32_t) {
            const auto why = overloaded(*pool);
            work[0].origin->answer_error(work[0].address,
                                         may_have_run ? link::after_attempts(why) : why);
        });
        return true;
    }
    const auto work = actors::bundle::create(1, entry.work->memory());
    work->add_again(entry.invocation());
    turn_work_.push_back(work);
    entry.work = work.get();
    entry.index = 0;
    if (entry.keep) entry.keep = work;
    entry.pool = pool;
    entry.sends = ledger_entry::sends_max;  // here or not at all
    pool->submit(actors::bundle_ptr(work), [&](actors::bundle&, std::uint32_t) {
        answer(entry, overloaded(*pool));
        close(entry);
    });
    return true;
}

void lane::take_travelling(travelling_call& call) {
    auto& invocation = (*call.single)[0];
    // Its links are gone or about to go.
    if (stage_ != stage::serving)
        return invocation.origin->answer_error(invocation.address, not_taken_any_more());
    inside_.retries.called();
    auto* route = router_.route(call.function);
    if (route == nullptr && !invocation.key.empty()) route = router_.route_of_key(call.function);
    auto* pool = functions_.find(call.function);
    const auto to = route == nullptr ? destination{destination::kind::here, nullptr}
                                     : router_.decide(*route, invocation.key,
                                                      invocation.payload.size(), false, now_ns_);
    if (to.what == destination::kind::here && pool != nullptr) {
        pool->submit(std::move(call.single), [pool](actors::bundle& work, std::uint32_t) {
            work[0].origin->answer_error(work[0].address, overloaded(*pool));
        });
        return;
    }
    if (route == nullptr)
        return invocation.origin->answer_error(invocation.address, explain_unknown(call.function));
    if (to.what == destination::kind::nobody)
        return invocation.origin->answer_error(invocation.address,
                                               router::nobody_takes(*route, to));
    auto& entry = ledger_.open(inside_, invocation.id);
    ++inside_.in_flight;
    entry.work = call.single.get();
    entry.index = 0;
    entry.route = route;
    entry.pool = nullptr;
    turn_work_.push_back(call.single);
    invocation.carried = entry.address();
    invocation.carrier.store(this, std::memory_order_seq_cst);
    if (invocation.stop.requested()) {  // what stopped it saw no carrier
        answer(entry, {invocation.stop.reason(), "its caller stopped waiting"});
        return close(entry);
    }
    leave_here(entry, to);
}

void lane::withdraw(actors::answer_address carried, errc reason) {
    if (!ownership_.owned_here()) {
        inbox_.push(carried_stop{carried, reason});  // an ended lane has nothing under way
        return;
    }
    auto* entry = ledger_.find(carried);
    if (entry == nullptr) return;
    // Another repeat may have come since the last one left.
    if (entry->leads() && repeats_.is_awaited(*entry)) return;
    answer_in_place(*entry, reason, "its caller stopped waiting");
}

void lane::look_up(const std::string& endpoint) {
    options_.names->ask(endpoint, [this, endpoint](const support::address_resolver::answer& found) {
        // An ended lane connects to nobody any more.
        static_cast<void>(inbox_.push(addresses_found{endpoint, found.addresses, found.problem}));
    });
}

void lane::forwarded_value(ledger_entry& entry, bytes_view payload) {
    if (entry.leads()) repeats_.remember_value(entry, payload);
    if (entry.plays == ledger_entry::part::orphan) {
        // Those who wait have it.
    } else if (entry.asker->what == caller::kind::functions) {
        const auto& call = entry.invocation();
        actors::output_buffer copy;
        if (copy.try_append(payload.data(), payload.size()))
            call.origin->answer_value(call.address, copy);
        else
            call.origin->answer_error(call.address, {errc::internal, "out of memory for a reply"});
    } else {
        outlet_.reply_copy(peer_of(entry), entry.call_id, payload);
    }
    close(entry);
}

void lane::forwarded_error(ledger_entry& entry, error why) {
    answer(entry, why);
    close(entry);
}

void lane::answer(ledger_entry& entry, const error& last) {
    const error why = entry.may_have_run ? link::after_attempts(last) : last;
    if (entry.leads()) repeats_.remember_error(entry, why);
    if (entry.plays == ledger_entry::part::orphan) return;
    if (entry.asker->what == caller::kind::peer)
        return outlet_.reply_error(peer_of(entry), entry.call_id, why, entry.losses.count());
    const auto& call = entry.invocation();
    call.origin->answer_error(call.address, why);
}

// -- the membership ----------------------------------------------------------------------------

bool lane::send_gossip(std::uint64_t to, bytes_view message) {
    if (links_.send_gossip(to, message)) return true;
    peer* reached = nullptr;
    outlet_.peers().for_each([&](peer& each) {
        if (each.instance == to && each.gossips && !each.gone) reached = &each;
    });
    if (reached == nullptr) return false;
    outlet_.say(*reached, wire::gossip{message});
    return true;
}

void lane::take_view(std::shared_ptr<const cluster_view> view) {
    view_ = std::move(view);
    loads_.set_alone(view_->members.size() < 2);
    links_.set_members(*view_, now_ns_);
    router_.set_view(view_, now_ns_);
    outlet_.peers().for_each([this](peer& each) {
        if (each.wants_cluster) handshake_.tell_members(each);
    });
}

}  // namespace dunlin::runtime
