// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/admission.hpp"

#include "actors/call_key.hpp"
#include "actors/pool.hpp"
#include "runtime/router/refusal.hpp"
#include "runtime/text/quantity.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace dunlin::runtime {

namespace {

/// Finding the name that a caller meant takes some ten microseconds for each function there is;
/// in a turn with more unknown names than this nobody mistyped them one by one.
constexpr std::size_t suggestions_per_turn_max = 8;

/// Until a call's deadline: what was left when it was sent, without what it took longer than others
/// to come here.
std::int64_t time_left_ns(const peer& from, const wire::invoke& call) noexcept {
    if (call.remaining_us == 0) return actors::no_deadline;
    constexpr std::uint64_t remaining_us_max = std::uint64_t{1} << 50;  // 35 years
    const auto remaining_us =
        static_cast<std::int64_t>(std::min(call.remaining_us, remaining_us_max));
    return remaining_us * 1000 - from.late_ns;
}

error overdue(std::string_view function, std::int64_t late_ns) {
    error why{errc::deadline_exceeded, "the deadline of " + std::string(function) + " passed " +
                                           std::to_string(late_ns / 1'000'000) +
                                           " ms before its call was read; it did not run"};
    why.did_not_run = true;
    return why;
}

/// A repeat that waits needs no memory of the frame it came in.
class no_memory final : public actors::frame_memory {};

}  // namespace

admission::admission(const function_registry& functions, router& routing, open_calls& calls,
                     repeats& again, outlet& out, const memory_budget& budget,
                     support::busy_poll& load, lane_counters& counters, const std::int64_t& now_ns,
                     options how)
    : functions_(functions),
      router_(routing),
      calls_(calls),
      repeats_(again),
      outlet_(out),
      budget_(budget),
      busy_poll_(load),
      counters_(counters),
      now_ns_(now_ns),
      options_(std::move(how)) {}

void admission::take(peer& from, const wire::invoke& call, gathering& into) {
    ++into.received;
    if (authorizer_ == nullptr) return take_permitted(from, call, into);
    // Before anything else is told of it.
    if (!authorizer_->may_call(from, call, into) || !authorizer_->within_quota(from, call.id))
        return;
    take_permitted(from, call, into);
    from.free_place();
}

void admission::take_permitted(peer& from, const wire::invoke& call, gathering& into) {
    const auto waits = [&](call_window::ticket) -> ledger_entry& { return attach(from, call); };
    if (repeats_.has_name(from, call) && repeats_.take(from, call, into, waits)) return;
    take_new(from, call, into);
    if (into.named) repeats_.not_taken(into);
}

// No function sees this invocation: it is what the deadline, a cancel and the end of the node find
// of a repeat that waits.
ledger_entry& admission::attach(peer& from, const wire::invoke& call) {
    auto* nothing = new no_memory;
    const auto work = actors::bundle::create(1, *nothing);
    calls_.keep(work);
    nothing->release();
    busy_poll_.handled(1);
    auto& entry = enter(from, call, *work);
    auto& invocation = entry.invocation();
    invocation.payload = {};
    invocation.key = {};
    invocation.trace = {};
    entry.pool = functions_.find(call.function);
    return entry;
}

void admission::take_new(peer& from, const wire::invoke& call, gathering& into) {
    if (refused(from, call)) return;
    if (into.function != call.function) {
        submit(into);
        into.pool = functions_.find(call.function);
        into.route = router_.route(call.function);
        into.function = call.function;
        into.unknown.reset();
    }
    if (into.pool == nullptr || into.pool->info().key_field.empty()) return place(from, call, into);
    const auto key = actors::key_of_call(into.pool->info(), call.payload, call.key, into.memory);
    if (!key) return outlet_.reply_error(from, call.id, key.error());
    auto keyed = call;
    keyed.key = *key;
    place(from, keyed, into);
}

void admission::place(peer& from, const wire::invoke& call, gathering& into) {
    if ((into.route != nullptr || !call.key.empty()) && send_on(from, call, into)) return;
    if (into.pool == nullptr) return refuse_unknown(from, call, into);
    // The node's own functions answer at once, and tell who asks why others are refused.
    if (!into.memory.fits() && into.pool->info().module_name != "dunlin")
        return outlet_.reply_full(from, call.id, too_much_held(*into.pool, into.memory));
    if (!into.work) {
        const auto capacity =
            std::min<std::size_t>(into.pool->bundle_capacity(), into.envelopes_expected);
        into.work = actors::bundle::create(static_cast<std::uint32_t>(capacity), into.memory);
        into.work->set_caller(from.caller_number(), from.weight());
    }
    auto& entry = enter(from, call, into, *into.work);
    entry.pool = into.pool;
    if ((call.flags & wire::invoke_flags::forwarded) == 0) entry.route = into.route;
    if (into.work->full()) submit(into);
}

bool admission::refused(peer& from, const wire::invoke& call) {
    // What a node says of itself it says until it ends.
    if (takes_ != taking::all &&
        (takes_ == taking::nothing || (!from.drain_due && !call.function.starts_with("dunlin/")))) {
        outlet_.reply_error(from, call.id, not_taken_any_more());
        return true;
    }
    if (const auto left_ns = time_left_ns(from, call); left_ns <= 0) {
        counters_.calls_overdue.add();
        outlet_.reply_error(from, call.id, overdue(call.function, -left_ns));
        return true;
    }
    if (from.in_flight >= options_.in_flight_max) {
        outlet_.reply_full(from, call.id, too_many_at_once(from, call.function));
        return true;
    }
    if (call.payload.size() > options_.payload_bytes_max) {
        outlet_.reply_error(
            from, call.id,
            {errc::invalid_argument, "payload of " + std::to_string(call.payload.size()) +
                                         " bytes exceeds the node's limit of " +
                                         std::to_string(options_.payload_bytes_max)});
        return true;
    }
    return false;
}

void admission::refuse_unknown(peer& from, const wire::invoke& call, gathering& into) {
    const bool forwarded = (call.flags & wire::invoke_flags::forwarded) != 0;
    if (!into.unknown)
        into.unknown =
            forwarded ? functions_.unknown(call.function) : explain_unknown(call.function);
    outlet_.reply_error(from, call.id, *into.unknown);
}

ledger_entry& admission::enter(peer& from, const wire::invoke& call, actors::bundle& work) {
    auto& entry = calls_.open(from, call.id);
    from.retries.called();
    entry.work = &work;
    entry.index = work.size();
    entry.losses = {call.losses, call.lost};
    auto& invocation = work.add();
    invocation.id = call.origin_id;
    invocation.source = from.origin_of(call.origin);
    invocation.arrived_ns = now_ns_;
    invocation.payload = call.payload;
    invocation.key = call.key;
    invocation.trace = call.trace;
    invocation.attempt = call.attempt;
    invocation.retries_left = call.retries_left;
    invocation.moves = static_cast<std::uint8_t>(wire::invoke_flags::moves_in(call.flags));
    invocation.origin = &calls_;
    invocation.address = entry.address();
    if (call.remaining_us != 0) invocation.deadline_ns = now_ns_ + time_left_ns(from, call);
    return entry;
}

ledger_entry& admission::enter(peer& from, const wire::invoke& call, gathering& into,
                               actors::bundle& work) {
    auto& entry = enter(from, call, work);
    if (into.named) {
        entry.plays = ledger_entry::part::first;
        entry.named = std::exchange(into.named, {});
    }
    return entry;
}

// Counts here, once for a bundle: what stands in the path of each call adds up.
void admission::submit(gathering& gathered) {
    if (gathered.received != 0)
        counters_.invocations_received.add(std::exchange(gathered.received, 0));
    if (!gathered.work) return;
    busy_poll_.handled(gathered.work->size());
    gathered.memory.carries(*gathered.work);
    calls_.keep(gathered.work);
    gathered.pool->submit(std::move(gathered.work), [&](actors::bundle& work, std::uint32_t from,
                                                        const actors::admission_decision& why) {
        spill(work, from, *gathered.pool, why);
    });
    gathered.work = {};
}

error admission::explain_unknown(std::string_view function) {
    // What a member serves is forgotten with the link to it, and it may be about to come back:
    // who asks elsewhere meanwhile may be lucky.
    if (const auto* link = router_.untold(); link != nullptr) {
        error why{errc::unavailable, "no function " + std::string(function) +
                                         " on this node, and it is not connected to node " +
                                         link->name + ", which may serve it; the call did not run"};
        why.did_not_run = true;
        return why;
    }
    using suggestion = function_registry::suggestion;
    const bool few = ++names_unknown_ <= suggestions_per_turn_max;
    return functions_.unknown(function, few ? suggestion::nearest : suggestion::none);
}

error admission::not_taken_any_more() const {
    error why{errc::unavailable, "node " + options_.node_name +
                                     (takes_ == taking::nothing ? " stops" : " is draining") +
                                     "; the call did not run"};
    why.did_not_run = true;
    return why;
}

error admission::too_many_at_once(const peer& from, std::string_view function) const {
    error why{errc::overloaded,
              "this connection has " + std::to_string(from.in_flight) +
                  " calls unanswered, the most it may; wait for some",
              std::chrono::milliseconds(1)};
    if (const auto* pool = functions_.find(function); pool != nullptr)
        record_refusal(*pool, 1, "the connection had as many calls unanswered as it may",
                       {{"unanswered", from.in_flight}}, why);
    return why;
}

error admission::too_much_held(const actors::pool& wanted, const budgeted_frame& frame) const {
    constexpr std::chrono::milliseconds pause_min{
        50};  // what is in the way may be another function
    const auto hint = std::max<std::chrono::microseconds>(wanted.retry_after(), pause_min);
    const auto wait_ms = (hint.count() + 999) / 1000;
    const bool share = frame.verdict() == byte_shares::verdict::beyond_share;
    const auto limit = format_size(budget_.bytes_max()) + " (pools.queue_bytes_max)";
    const auto own = format_size(frame.held_by_caller());
    error why{
        errc::overloaded,
        (share ? "the call does not fit into its caller's share of the node's memory: with it "
                 "this caller would hold " +
                     own + " of " + limit + ", and others need room"
               : "the call does not fit beside those that the node works on: all that it "
                 "holds may weigh " +
                     limit + ", and with it this caller would hold " + own) +
            "; try again in " + std::to_string(wait_ms) + " ms",
        hint};
    record_refusal(wanted, 1,
                   share ? "the caller holds its share of the node's memory"
                         : "the calls that the node works on weigh as much as they may",
                   {{"held_bytes", budget_.bytes_held()},
                    {"held_max_bytes", budget_.bytes_max()},
                    {"caller_bytes", frame.held_by_caller()},
                    {"wait_ms", wait_ms}},
                   why);
    return why;
}

}  // namespace dunlin::runtime
