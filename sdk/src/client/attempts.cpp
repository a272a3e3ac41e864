// SPDX-License-Identifier: Apache-2.0
#include "client/attempts.hpp"

#include "client/checks.hpp"
#include "cluster/refusal_pause.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::link {
namespace {

// What a failure tells of the node. An answer is a success, whatever the function made of the call.
void note(routes& paths, const channel& from, std::string_view function,
          const wire::failure& failure, attempts::time_point now) {
    if (from.node == nullptr) return;
    auto& health = paths.health();
    const auto place = from.node->place;
    const auto code = errc_from_number(failure.code);
    if (code == errc::overloaded) {
        const auto hint_us = std::min<std::uint64_t>(failure.retry_after_us, 1'000'000'000);
        paths.refused(place, paths.find(function),
                      failure.whole_node ? routes::refusal::of_node : routes::refusal::of_function,
                      static_cast<std::int64_t>(hint_us) * 1000, ns(now));
    } else if (code == errc::unavailable || code == errc::internal) {
        health.failed(place, ns(now));
    } else {
        health.succeeded(place, ns(now));
    }
}

}  // namespace

// -- first attempts --------------------------------------------------------------------------

void attempts::keep(call& open, const channel& on, bytes_view payload, std::string_view key,
                    std::string_view trace) {
    if (!book_.may_keep(payload.size())) return;
    book_.keep(open, key, trace, [&](wire::frame_buffer& kept) { kept.append(payload); });
    open.kept->note_tried(on.instance);
}

void attempts::sent(call& open, const fleet::target& to, copies hedge, time_point now) {
    retries_.called();
    open.idempotent = fleet_.idempotent(to);
    if (open.keeps()) open.kept->sent_ns = ns(now);
    if (hedge == copies::unwanted || !open.idempotent || !open.keeps()) return;
    auto& hedging = fleet_.paths().hedging(to.function, ns(now));
    hedging.called();
    auto& kept = *open.kept;
    kept.function = to.function;
    kept.begun_ns = ns(now);
    kept.copy.of = &open;
    if (const auto delay = hedging.delay_ns(); delay && fleet_.nodes() > 1)
        copies_.insert(kept.copy, now + std::chrono::nanoseconds(*delay));
}

void attempts::hold(call& open) {
    open.on = nullptr;
    held_.push(open.id, book_.in_flight(), [this](std::uint64_t id) {
        const call* waits = book_.find(id);
        return waits != nullptr && waits->on == nullptr;
    });
}

void attempts::send_held(time_point now) {
    while (!held_.empty()) {
        call* open = book_.find(held_.pop());
        if (open == nullptr || open->on != nullptr) continue;
        const auto to = anywhere(*open, now);
        if (to.on != nullptr) {
            put(*open, to, now);
            continue;
        }
        error why{errc::overloaded,
                  open->function + " did not run: " +
                      (fleet_.many() ? "the nodes take" : "node " + fleet_.name() + " takes") +
                      " fewer calls than waited"};
        const bool before = open->keeps() && open->kept->may_have_run;
        book_.fail_with(*open, before ? after_attempts(std::move(why)) : std::move(why));
    }
}

// -- sending ---------------------------------------------------------------------------------

// A node that the call was not sent to.
fleet::target attempts::elsewhere(const call& open, time_point now, fleet::purpose why) {
    return fleet_.pick(open.function, open.kept->key, open.kept.get(), now, why);
}

// The same, or if need be any node.
fleet::target attempts::anywhere(const call& open, time_point now) {
    const auto to = elsewhere(open, now);
    return to.on != nullptr ? to : fleet_.pick(open.function, open.kept->key, nullptr, now);
}

// Sends a call that has no connection.
void attempts::put(call& open, const fleet::target& to, time_point now) {
    auto& kept = *open.kept;
    open.idempotent = fleet_.idempotent(to);
    if (kept.payload.size > to.on->payload_bytes_max) {
        return book_.fail_with(open, too_large(kept.payload.size, to.on->payload_bytes_max));
    }
    kept.note_tried(to.on->instance);
    append_invoke(open, *to.on, open.attempt, now);
    kept.sent_ns = ns(now);
    open.on = to.on;
}

void attempts::append_invoke(const call& open, channel& on, std::uint8_t attempt, time_point now) {
    const auto& kept = *open.kept;
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(open.deadline - now);
    wire::invoke envelope;
    envelope.id = call_table::id_of(open, attempt);
    envelope.function = open.function;
    envelope.remaining_us = static_cast<std::uint64_t>(std::max<std::int64_t>(left.count(), 1));
    if (fleet_.all()) envelope.flags = wire::invoke_flags::chosen;
    envelope.attempt = attempt;
    envelope.key = as_bytes(kept.key);
    envelope.trace = kept.trace;
    envelope.payload = kept.payload.view();
    envelope.retries_left = kept.retries_left;
    envelope.losses = kept.losses.count();
    envelope.lost = kept.losses.first();
    if (on.clustered) {
        envelope.origin = origin_;
        envelope.origin_id = open.id;
    }
    on.out.date(now);
    append(on.out.open(), envelope);
    fleet_.appended(on, book_.window());
}

void attempts::cancel_on(channel& on, std::uint64_t id) {
    append(on.out.open(), wire::cancel{id});
    on.out.appended(book_.window());
}

void attempts::withdraw(call& open) {
    if (open.on != nullptr) cancel_on(*open.on, call_table::id_of(open, open.attempt));
    if (open.keeps() && open.kept->second != nullptr)
        cancel_on(*open.kept->second, call_table::id_of(open, open.kept->second_attempt));
    book_.fail_with(open, {errc::cancelled, open.function + " was cancelled by its caller"});
}

// -- ends of attempts ------------------------------------------------------------------------

attempt_facts attempts::facts_of(const call& open, time_point now) const noexcept {
    if (!open.keeps()) return {};
    const auto& kept = *open.kept;
    return {.kept = true,
            .idempotent = open.idempotent,
            .keyed = !kept.key.empty(),
            .copy = kept.second != nullptr,
            .again = kept.retries_left > 0 && kept.attempts + 1u < call_table::attempts_max &&
                     now < open.deadline,
            .first = kept.attempts == 0,
            .losses = kept.losses.count()};
}

// Another node may answer in time only if there is left what the refusal took. Otherwise the
// caller learns more from the refusal than from its deadline.
bool attempts::in_time(const call& open, const channel& from, time_point now) noexcept {
    const auto& kept = *open.kept;
    const auto sent_ns = kept.second == &from ? kept.second_sent_ns : kept.sent_ns;
    return ns(now) + (ns(now) - sent_ns) < ns(open.deadline);
}

// Carries out what the rule says. @returns whether the call is not over.
bool attempts::goes_on(call& open, channel& from, attempt_event ended, time_point now) {
    using verdict = attempt_verdict;
    const auto what = decide(ended, facts_of(open, now));
    if (what == verdict::answer) return false;
    // The look comes first: a retry that finds no node must not be taken from the budget.
    fleet::target found;
    if (what == verdict::resend_elsewhere) {
        if (fleet_.many() && in_time(open, from, now))
            found = elsewhere(open, now, fleet::purpose::look_for_room);
        if (found.on == nullptr) return false;
    }
    const bool costs = what == verdict::resend_elsewhere || what == verdict::resend_in_budget;
    if (costs && !retries_.may_retry(ns(now))) return false;
    open.kept->may_have_run = open.kept->may_have_run || may_have_run(ended);
    drop_attempt(open, from);
    if (what != verdict::drop) send_again(open, found, now);
    return true;
}

// @param found null: any, rather one where it was not
// @pre no attempt is under way.
void attempts::send_again(call& open, const fleet::target& found, time_point now) {
    auto& kept = *open.kept;
    --kept.retries_left;
    open.attempt = ++kept.attempts;
    ++retried_;
    support::timer_wheel::remove(kept.copy);
    if (found.on != nullptr) {
        fleet_.paths().sent(found.on->node->place, found.function, ns(now));
        return put(open, found, now);
    }
    const auto to = anywhere(open, now);
    if (to.on == nullptr) return hold(open);
    put(open, to, now);
}

// The attempt on that channel is over; a copy elsewhere is the call's attempt now.
void attempts::drop_attempt(call& open, channel& on) noexcept {
    --on.in_flight;
    channel* second = open.keeps() ? std::exchange(open.kept->second, nullptr) : nullptr;
    if (second == &on) return;
    open.on = second;
    if (second == nullptr) return;
    open.attempt = open.kept->second_attempt;
    open.kept->sent_ns = open.kept->second_sent_ns;
}

void attempts::answered(call& open, channel& from, time_point now) {
    end_others(open, from, now);
    if (from.node != nullptr) fleet_.paths().health().succeeded(from.node->place, ns(now));
}

// An answer has come: withdraws what is under way elsewhere, and learns how long it took.
void attempts::end_others(call& open, const channel& answering, time_point now) {
    if (!open.keeps()) return;
    auto& kept = *open.kept;
    if (kept.begun_ns != 0)
        fleet_.paths().hedging(kept.function, kept.begun_ns).answered(ns(now) - kept.begun_ns);
    if (kept.second == nullptr) return;
    if (open.on != &answering)
        cancel_on(*open.on, call_table::id_of(open, open.attempt));
    else
        cancel_on(*kept.second, call_table::id_of(open, kept.second_attempt));
}

std::optional<attempts::ending> attempts::failed(call& open, channel& from,
                                                 const wire::failure& failure, time_point now) {
    const auto ended = event_of(failure);
    if (!open.keeps()) {
        // With one node there is nowhere else to go.
        if (fleet_.many()) note(fleet_.paths(), from, open.function, failure, now);
        return ending{cluster::with_jitter(failure.retry_after_us, random_), false};
    }
    auto& kept = *open.kept;
    note(fleet_.paths(), from, open.function, failure, now);
    if (ended == attempt_event::refused && failure.retry_after_us != 0) {
        const auto least = kept.retry_after_us;
        kept.retry_after_us =
            least == 0 ? failure.retry_after_us : std::min(least, failure.retry_after_us);
    }
    kept.losses.at_least(failure.losses);
    if (goes_on(open, from, ended, now)) return std::nullopt;
    // A copy that is under way elsewhere may have run as well.
    const bool beside = kept.second != nullptr;
    end_others(open, from, now);
    const auto hint_us = kept.retry_after_us != 0 ? kept.retry_after_us : failure.retry_after_us;
    return ending{cluster::with_jitter(hint_us, random_), kept.may_have_run || beside};
}

void attempts::lost(channel& with, time_point now) {
    move_unsent(with, now);
    if (with.in_flight == 0) return;
    book_.for_each([&](call& open) {
        const bool copy = open.keeps() && open.kept->second == &with;
        if (open.on == &with || copy) attempt_lost(open, with, now);
    });
}

void attempts::attempt_lost(call& open, channel& with, time_point now) {
    std::string lost_before;
    if (open.keeps()) {
        auto& kept = *open.kept;
        lost_before = kept.lost_with;
        // A node that said that it leaves was not ended by the call.
        const bool counts =
            !with.said_goaway &&
            kept.losses.add({.instance = with.instance,
                             .silent = with.is_silent(),
                             .sent_ns = kept.second == &with ? kept.second_sent_ns : kept.sent_ns,
                             .heard_ns = with.pulse.heard_ns()},
                            ns(now));
        if (counts && lost_before.empty()) kept.lost_with = with.node_name;
    }
    if (goes_on(open, with, attempt_event::lost, now)) return;
    if (open.keeps() && open.kept->losses.count() >= wire::losses_max) {
        return book_.fail_with(
            open, {errc::unavailable, lost_again(open.function, lost_before, with.node_name)});
    }
    book_.fail_with(open, {errc::unavailable,
                           "no answer from " + open.function + ", it may have run: lost node " +
                               with.node_name + " at " + with.endpoint() + ": " + with.problem()});
}

void attempts::move_vacated(time_point now) {
    for (channel* each : fleet_.take_vacated()) move_unsent(*each, now);
}

// What else waits to be sent stays, if the channel can still send it.
void attempts::move_unsent(channel& from, time_point now) {
    wire::frame_buffer frame;
    wire::frame_buffer rest;
    std::vector<call*> moved;
    while (from.out.take(frame)) {
        wire::frame_reader reader(frame.view());
        while (reader.next() == wire::read_status::envelope) {
            if (reader.kind() == wire::kind::cancel) {
                append(rest, wire::cancel{reader.id_or_token()});
            } else if (reader.kind() == wire::kind::pong) {
                append(rest, wire::pong{reader.id_or_token()});
            }
            if (reader.kind() != wire::kind::invoke) continue;
            const auto& unsent = reader.invoke();
            call* open = book_.find(unsent.id, from);
            if (open == nullptr) continue;
            const auto what = decide(attempt_event::unsent, facts_of(*open, now));
            drop_attempt(*open, from);
            if (what == attempt_verdict::drop) continue;
            if (!open->keeps()) {
                book_.keep(*open, as_text(unsent.key), unsent.trace,
                           [&](wire::frame_buffer& kept) { kept.append(unsent.payload); });
            }
            std::erase(open->kept->tried, from.instance);
            moved.push_back(open);
        }
    }
    if (from.problem().empty() && !rest.empty()) {
        from.out.open().append(rest.view());
        from.out.appended(book_.window());
    }
    // Only now: one of them may be written to this very channel again, if there is no other.
    for (call* open : moved) {
        const auto to = anywhere(*open, now);
        if (to.on == nullptr) {
            hold(*open);
        } else {
            put(*open, to, now);
        }
    }
}

void attempts::learn(const channel& from) {
    auto& paths = fleet_.paths();
    book_.for_each([&](call& open) {
        if (open.on == &from)
            open.idempotent = paths.idempotent(paths.find(open.function), from.node->place);
    });
}

// -- hedging ---------------------------------------------------------------------------------

void attempts::send_copies(time_point now) {
    copies_.advance(now, [&](support::timer_node& node) {
        send_copy(*static_cast<kept_call::copy_timer&>(node).of, now);
    });
}

void attempts::send_copy(call& open, time_point now) {
    auto& kept = *open.kept;
    if (open.on == nullptr || kept.second != nullptr) return;
    if (kept.attempts + 1u >= call_table::attempts_max || fleet_.nodes() < 2) return;
    const auto to = elsewhere(open, now, fleet::purpose::look_for_room);
    if (to.on == nullptr || kept.payload.size > to.on->payload_bytes_max) return;
    if (!fleet_.idempotent(to)) return;
    auto& paths = fleet_.paths();
    if (!paths.hedging(kept.function, ns(now)).may_hedge(ns(now))) return;
    paths.sent(to.on->node->place, to.function, ns(now));
    kept.note_tried(to.on->instance);
    kept.second = to.on;
    kept.second_attempt = ++kept.attempts;
    kept.second_sent_ns = ns(now);
    append_invoke(open, *to.on, kept.second_attempt, now);
    ++hedged_;
}

}  // namespace dunlin::link
