// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/open_calls.hpp"

#include "actors/activation.hpp"
#include "actors/pool.hpp"
#include "client/checks.hpp"
#include "runtime/lane/repeats.hpp"
#include "runtime/lane/turn_clock.hpp"
#include "runtime/link/function_route.hpp"
#include "runtime/router/function_registry.hpp"
#include "support/address_resolver.hpp"

#include <utility>

namespace dunlin::runtime {

open_calls::open_calls(const lane_ownership& ownership, inbox& commands, outlet& out,
                       repeats& again, links& over, lane_counters& counters,
                       const std::int64_t& now_ns, std::int64_t started_ns, options how)
    : ownership_(ownership),
      commands_(commands),
      outlet_(out),
      repeats_(again),
      counters_(counters),
      now_ns_(now_ns),
      options_(std::move(how)),
      away_(ledger_, over, counters, options_.instance),
      wheel_(time_point_of(started_ns)) {
    inside_.retries = cluster::retry_budget(started_ns);
}

// -- calls begin -----------------------------------------------------------------------------

void open_calls::move(ledger_entry& entry, const actors::bundle_ptr& work) {
    const auto index = work->size();
    work->add_again(entry.invocation());
    entry.work = work.get();
    entry.index = index;
    if (entry.keep) entry.keep = work;
}

void open_calls::settle() {
    ledger_.settle_fresh([this](ledger_entry& entry) { settle(entry); });
}

void open_calls::settle(ledger_entry& entry) {
    entry.work->retain();
    entry.keep = actors::bundle_ptr(entry.work);
    const auto deadline_ns = entry.invocation().deadline_ns;
    if (deadline_ns != actors::no_deadline) wheel_.insert(entry, time_point_of(deadline_ns));
    if (entry.asker->what != caller::kind::peer) return;
    if (entry.asker->settled.insert(entry)) return;
    const auto work = entry.keep;
    const auto index = entry.index;
    outlet_.reply_error(
        peer_of(entry), entry.call_id,
        {errc::invalid_argument, "call id " + std::to_string(entry.call_id) +
                                     " belongs to a call that is not answered yet"});
    if (entry.via != nullptr) away_.withdraw(entry);
    close(entry);
    actors::activation::stop(work, index, errc::cancelled);
}

// -- answers ---------------------------------------------------------------------------------

void open_calls::answer_value(actors::answer_address to, actors::output_buffer& payload) {
    if (!ownership_.owned_here()) return from_elsewhere(value_answer{to, std::move(payload)});
    auto* entry = ledger_.find(to);
    if (entry == nullptr) return counters_.answers_late.add();
    if (entry->leads()) repeats_.remember_value(*entry, payload.view());
    if (entry->plays != ledger_entry::part::orphan) {
        if (entry->paid_for_start()) [[unlikely]]
            outlet_.say(peer_of(*entry), wire::cold{entry->call_id});
        outlet_.reply_value(peer_of(*entry), entry->call_id, entry->pool, payload);
    }
    close(*entry);
}

// A call that only waits for another one's answer: that one paid, and this one waited as long.
void open_calls::started_cold(actors::answer_address of) {
    if (!ownership_.owned_here()) {
        commands_.push(cold_remark{of});  // an ended lane has answered everything itself
        return;
    }
    if (auto* entry = ledger_.find(of); entry != nullptr) entry->cold_elsewhere = true;
}

void open_calls::answer_error(actors::answer_address to, error why) {
    if (!ownership_.owned_here()) return from_elsewhere(error_answer{to, std::move(why)});
    auto* entry = ledger_.find(to);
    if (entry == nullptr) return counters_.answers_late.add();
    forwarded_error(*entry, std::move(why));
}

void open_calls::answer_batch_of(actors::answer_batch answers) {
    if (ownership_.owned_here()) return answer_port::answer_batch_of(std::move(answers));
    const auto count = answers.size();
    if (!commands_.push(batch_answer{std::move(answers)})) counters_.answers_after_end.add(count);
}

void open_calls::from_elsewhere(lane_command answer) {
    // An ended lane has answered everything itself.
    if (!commands_.push(std::move(answer))) counters_.answers_after_end.add();
}

void open_calls::answer(ledger_entry& entry, const error& last) {
    const error why = entry.may_have_run ? link::after_attempts(last) : last;
    if (entry.leads()) repeats_.remember_error(entry, why);
    if (entry.plays == ledger_entry::part::orphan) return;
    if (entry.asker->what == caller::kind::peer)
        return outlet_.reply_error(peer_of(entry), entry.call_id, why, entry.losses.count());
    const auto& call = entry.invocation();
    call.origin->answer_error(call.address, why);
}

void open_calls::close(ledger_entry& entry) {
    auto& asker = *entry.asker;
    if (entry.via != nullptr) away_.detach(entry);
    if (entry.plays != ledger_entry::part::none) repeats_.leave(entry);
    asker.ended();
    if (entry.settled()) asker.settled.erase(entry);
    ledger_.close(entry);
    // A peer without anything else under way waits for just this answer: nothing could join it.
    if (asker.in_flight == 0 && asker.what == caller::kind::peer)
        outlet_.flush(static_cast<peer&>(asker));
}

// -- answers of other nodes ------------------------------------------------------------------

void open_calls::forwarded_value(ledger_entry& entry, bytes_view payload,
                                 const std::shared_ptr<link::received_frame>& frame) {
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
        if (entry.cold_elsewhere) outlet_.say(peer_of(entry), wire::cold{entry.call_id});
        outlet_.reply_on(peer_of(entry), entry.call_id, payload, frame);
    }
    close(entry);
}

void open_calls::forwarded_error(ledger_entry& entry, error why) {
    answer(entry, why);
    close(entry);
}

void open_calls::recalled(ledger_entry& entry, bool unstarted) {
    counters_.calls_cut_short.add();
    error why{errc::unavailable, "node " + options_.node_name + " stopped before " +
                                     function_of(entry) +
                                     (unstarted ? " started; the call did not run"
                                                : " answered; the function may have run")};
    why.did_not_run = unstarted;
    const auto work = entry.keep;
    const auto index = entry.index;
    forwarded_error(entry, std::move(why));
    if (work) actors::activation::stop(work, index, errc::unavailable);
}

bool open_calls::run_here(ledger_entry& entry) {
    auto* pool = entry.route->pool;
    if (entry.asker->what == caller::kind::functions) {
        // It goes the way it would have gone without other nodes: the pool answers the function
        // that asked, and finds the call where its stop looks for it.
        entry.work->retain();
        actors::bundle_ptr single(entry.work);
        const bool may_have_run = entry.may_have_run;
        close(entry);
        pool->submit(std::move(single), [=](actors::bundle& work, std::uint32_t,
                                            const actors::admission_decision& reason) {
            const auto why = pool->refusal(reason);
            work[0].origin->answer_error(work[0].address,
                                         may_have_run ? link::after_attempts(why) : why);
        });
        return true;
    }
    const auto work = actors::bundle::create(1, entry.work->memory());
    keep(work);
    move(entry, work);
    if (entry.asker->what == caller::kind::peer)
        work->set_caller(peer_of(entry).caller_number(), peer_of(entry).weight());
    entry.pool = pool;
    entry.sends = ledger_entry::sends_max;  // here or not at all
    pool->submit(actors::bundle_ptr(work),
                 [&](actors::bundle&, std::uint32_t, const actors::admission_decision& reason) {
                     forwarded_error(entry, pool->refusal(reason));
                 });
    return true;
}

void open_calls::look_up(const std::string& endpoint) {
    options_.names->ask(endpoint, [this, endpoint](const support::address_resolver::answer& found) {
        // An ended lane connects to nobody any more.
        static_cast<void>(
            commands_.push(addresses_found{endpoint, found.addresses, found.problem}));
    });
}

// -- calls that are withdrawn ----------------------------------------------------------------

void open_calls::end(ledger_entry& entry, errc reason, std::string detail) {
    const auto work = entry.keep;
    const auto index = entry.index;
    if (entry.via != nullptr) away_.withdraw(entry);
    forwarded_error(entry, {reason, std::move(detail)});
    if (work) actors::activation::stop(work, index, reason);
}

// The stop comes first: only when it has been requested is it certain of a call that waits for its
// turn that it will not start after all, and may run elsewhere.
bool open_calls::stop_unstarted(ledger_entry& entry, errc reason) {
    return entry.via == nullptr && entry.plays != ledger_entry::part::attached && entry.keep &&
           actors::activation::stop(entry.keep, entry.index, reason);
}

void open_calls::withdraw(actors::answer_address carried, errc reason) {
    if (!ownership_.owned_here()) {
        commands_.push(carried_stop{carried, reason});  // an ended lane has nothing under way
        return;
    }
    auto* entry = ledger_.find(carried);
    if (entry == nullptr) return;
    // Another repeat may have come since the last one left.
    if (entry->leads() && repeats_.is_awaited(*entry)) return;
    end(*entry, reason, "its caller stopped waiting");
}

void open_calls::cancel(peer& from, std::uint64_t call_id) {
    settle();  // a call of this turn is not in the index yet
    auto* found = from.settled.find(call_id);
    if (found == nullptr) return;  // answered already: the reply has crossed the cancel
    auto& entry = *found;
    error why{errc::cancelled, "the caller withdrew the call"};
    if (repeats_.leave_to_repeats(entry)) return outlet_.reply_error(from, call_id, why);
    if (!stop_unstarted(entry, why.code)) return end(entry, why.code, why.detail);
    why.detail += " before it began";
    why.did_not_run = true;
    forwarded_error(entry, std::move(why));
}

// Not by `close`: nothing is flushed to who has gone, and its index is empty already.
void open_calls::abandon(caller& gone) {
    settle();
    for (auto* each : gone.settled.take_all()) {
        auto& entry = *each;
        if (repeats_.leave_to_repeats(entry)) continue;
        if (entry.plays != ledger_entry::part::none) repeats_.leave(entry);
        const auto work = entry.keep;
        const auto index = entry.index;
        if (entry.via != nullptr) away_.withdraw(entry);
        gone.ended();
        ledger_.close(entry);
        actors::activation::stop(work, index, errc::cancelled);
    }
}

void open_calls::refuse_all_of(caller& who, errc reason, std::string_view why) {
    settle();
    for (auto* each : who.settled.take_all()) {
        auto& entry = *each;
        if (!entry.open()) continue;  // a repeat, which ended with the call it waited for
        const auto function = function_of(entry);
        end(entry, reason, std::string(why) + "; " + function + " may have run");
    }
}

// -- the end of all --------------------------------------------------------------------------

// Again as long as anything is read: a repeat of a call that runs on another lane has an entry
// until its turn ends, whatever becomes of new calls.
void open_calls::cut_short_all() {
    settle();
    ledger_.for_each_open([this](ledger_entry& entry) {
        // Of one that was recalled its node says whether it began.
        if (entry.via == nullptr || !away_.recalls()) cut_short(entry);
    });
    work_.clear();
}

void open_calls::cut_short(ledger_entry& entry) {
    const bool unstarted = stop_unstarted(entry, errc::unavailable);
    if (!unstarted && entry.via != nullptr) away_.withdraw(entry);
    recalled(entry, unstarted);
}

// -- timers ----------------------------------------------------------------------------------

std::shared_ptr<lane_timer> open_calls::arm_timer(actors::activation_table& owner,
                                                  actors::answer_address operation,
                                                  std::int64_t deadline_ns, std::int32_t code) {
    auto timer = std::make_shared<lane_timer>(*this);
    timer->owner = &owner;
    timer->operation = operation;
    timer->deadline_ns = deadline_ns;
    timer->code = code;
    timer_change armed{timer, true};
    if (ownership_.owned_here())
        change(armed);
    else if (!commands_.push(std::move(armed)))
        timer->fire_at_end();
    return timer;
}

void open_calls::disarm_timer(const std::shared_ptr<lane_timer>& timer) {
    timer_change disarmed{timer, false};
    if (ownership_.owned_here())
        change(disarmed);
    else
        commands_.push(std::move(disarmed));  // an ended lane has no timers left to disarm
}

void open_calls::change(const timer_change& what) {
    auto& timer = *what.timer;
    if (!what.arm) {
        timer.disarmed = true;
        support::timer_wheel::remove(timer);
        timer.self = nullptr;
    } else if (!timer.disarmed) {
        timer.self = what.timer;
        wheel_.insert(timer, time_point_of(timer.deadline_ns));
    }
}

void open_calls::fire_timers() {
    wheel_.advance(time_point_of(now_ns_), [this](support::timer_node& node) {
        auto& item = static_cast<wheel_item&>(node);
        if (item.what == wheel_item::kind::operation) {
            const auto fired = std::exchange(static_cast<lane_timer&>(item).self, nullptr);
            fired->owner->timer_fired(*fired);
        } else {
            auto& entry = static_cast<ledger_entry&>(item);
            end(entry, errc::deadline_exceeded,
                "no answer from " + function_of(entry) + " before the deadline" +
                    (entry.pool != nullptr ? entry.pool->why_queued() : ""));
        }
    });
}

void open_calls::end_timers() {
    wheel_.advance(support::timer_node::time_point::max(), [](support::timer_node& node) {
        auto& item = static_cast<wheel_item&>(node);
        if (item.what != wheel_item::kind::operation) return;  // of a call: each has its answer
        const auto fired = std::exchange(static_cast<lane_timer&>(item).self, nullptr);
        fired->fire_at_end();
    });
}

}  // namespace dunlin::runtime
