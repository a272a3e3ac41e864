// SPDX-License-Identifier: Apache-2.0
//
// Calls that are sent more than once: moved, retried, hedged.
#include "client/checks.hpp"
#include "client/driver.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace dunlin::link {
// -- where it goes ---------------------------------------------------------------------------

// For a call that was sent before: a node that it was not sent to, or if need be any.
fleet::target driver::pick_again(const call& open, bool tried_too, time_point now) {
    auto to = fleet_.pick(open.function, open.kept->key, open.kept.get(), now);
    if (to.on == nullptr && tried_too)
        to = fleet_.pick(open.function, open.kept->key, nullptr, now);
    return to;
}

// Where `pick_again` might send it, to a node that it was not sent to.
fleet::target driver::look_again(const call& open, time_point now) {
    return fleet_.pick(open.function, open.kept->key, open.kept.get(), now, fleet::purpose::look);
}

// -- what is kept ----------------------------------------------------------------------------

// @returns false when the call cannot be sent again, for want of room.
bool driver::keep(call& open, bytes_view payload, std::string_view key, std::string_view trace) {
    if (!book_.may_keep(payload.size())) return false;
    book_.keep(open, key, trace, [&](wire::frame_buffer& kept) { kept.append(payload); });
    return true;
}

// The call waits for a connection. @pre what it needs is kept
void driver::hold(call& open) {
    open.on = nullptr;
    held_.push(open.id, book_.in_flight(), [this](std::uint64_t id) {
        const call* waits = book_.find(id);
        return waits != nullptr && waits->on == nullptr;
    });
}

// -- sending ---------------------------------------------------------------------------------

void driver::append_invoke(const call& open, channel& on, std::uint8_t attempt, time_point now) {
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
    envelope.losses = kept.losses;
    envelope.lost = kept.lost;
    if (on.clustered) {
        envelope.origin = origin_;
        envelope.origin_id = open.id;
    }
    on.out.date(now);
    append(on.out.open(), envelope);
    ++on.in_flight;
    appended_to(on);
}

// Sends a call that has no connection.
void driver::put(call& open, channel& on, time_point now) {
    const auto size = open.kept->payload.size;
    if (size > on.payload_bytes_max) {
        return book_.fail_with(open,
                               {errc::invalid_argument, "payload of " + std::to_string(size) +
                                                            " bytes exceeds the node's limit of " +
                                                            std::to_string(on.payload_bytes_max)});
    }
    open.kept->note_tried(on.instance);
    append_invoke(open, on, open.attempt, now);
    open.on = &on;
}

bool driver::can_send_again(const call& open, time_point now) const noexcept {
    return open.keeps() && open.kept->retries_left > 0 &&
           open.kept->attempts + 1u < call_table::attempts_max && now < open.deadline;
}

bool driver::may_send_again(call& open, time_point now) {
    return can_send_again(open, now) && retries_.may_retry(ns(now));
}

// @pre `can_send_again`, and no attempt is under way.
void driver::send_again(call& open, bool tried_too, time_point now) {
    auto& kept = *open.kept;
    --kept.retries_left;
    open.attempt = ++kept.attempts;
    ++stats_.retries;
    support::timer_wheel::remove(kept.copy);
    const auto to = pick_again(open, tried_too, now);
    if (to.on == nullptr) return hold(open);
    open.idempotent = fleet_.idempotent(to);
    put(open, *to.on, now);
}

// Calls that waited for a connection.
void driver::send_held(time_point now) {
    while (!held_.empty()) {
        call* opened = book_.find(held_.pop());
        if (opened == nullptr || opened->on != nullptr) continue;
        const auto to = pick_again(*opened, true, now);
        if (to.on == nullptr) {
            error why{errc::overloaded,
                      opened->function + " did not run: " +
                          (fleet_.many() ? "the nodes take" : "node " + fleet_.name() + " takes") +
                          " fewer calls than waited"};
            book_.fail_with(*opened, opened->keeps() && opened->kept->may_have_run
                                         ? after_attempts(std::move(why))
                                         : std::move(why));
            continue;
        }
        opened->idempotent = fleet_.idempotent(to);
        put(*opened, *to.on, now);
    }
}

// -- what becomes of attempts ----------------------------------------------------------------

bool driver::sent_on(const call& open, std::uint64_t id, const channel& from) const noexcept {
    const auto attempt = call_table::attempt_of(id);
    if (open.on == &from && open.attempt == attempt) return true;
    return open.keeps() && open.kept->second == &from && open.kept->second_attempt == attempt;
}

// The attempt on that connection is over; a copy elsewhere is the call's attempt now.
void driver::drop_attempt(call& open, channel& on) noexcept {
    --on.in_flight;
    channel* second = open.keeps() ? std::exchange(open.kept->second, nullptr) : nullptr;
    if (second == &on) return;
    open.on = second;
    if (second != nullptr) open.attempt = open.kept->second_attempt;
}

// A function has answered.
void driver::answered(call& open, channel& from, time_point now) {
    end_others(open, from, now);
    if (from.node != nullptr) fleet_.paths().health().succeeded(from.node->place, ns(now));
}

// An answer has come: withdraws what is under way elsewhere, and learns how long it took.
void driver::end_others(call& open, const channel& answering, time_point now) {
    if (!open.keeps()) return;
    auto& kept = *open.kept;
    if (kept.sent_at_ns != 0)
        fleet_.paths().hedging(kept.function, kept.sent_at_ns).answered(ns(now) - kept.sent_at_ns);
    if (kept.second == nullptr) return;
    if (open.on != &answering)
        cancel_on(*open.on, call_table::id_of(open, open.attempt));
    else
        cancel_on(*kept.second, call_table::id_of(open, kept.second_attempt));
}

// A node answered with a failure. @returns whether the call is not over because of it.
bool driver::goes_on(call& open, channel& from, const wire::failure& failure, time_point now) {
    if (!open.keeps()) return false;
    auto& kept = *open.kept;
    const auto code = errc_from_number(failure.code);
    const bool overloaded = code == errc::overloaded;
    const bool unavailable = code == errc::unavailable;
    const bool unrun =
        failure.did_not_run && (unavailable || code == errc::internal || code == errc::unknown);
    if (from.node != nullptr) {
        auto& health = fleet_.paths().health();
        const auto hint_us = std::min<std::uint64_t>(failure.retry_after_us, 1'000'000'000);
        if (overloaded) {
            health.refused(from.node->place, static_cast<std::int64_t>(hint_us) * 1000, ns(now));
        } else if (unavailable || code == errc::internal) {
            health.failed(from.node->place, ns(now));
        } else {
            health.succeeded(from.node->place, ns(now));
        }
    }
    if (overloaded && failure.retry_after_us != 0) {
        const auto least = kept.retry_after_us;
        kept.retry_after_us =
            least == 0 ? failure.retry_after_us : std::min(least, failure.retry_after_us);
    }
    if (!overloaded && !unrun && !(unavailable && open.idempotent)) return false;
    const bool may_have_run = !overloaded && !unrun;
    kept.losses = std::max(kept.losses, failure.losses);
    if (kept.second != nullptr) {
        kept.may_have_run = kept.may_have_run || may_have_run;
        drop_attempt(open, from);
        return true;
    }
    if (may_have_run && kept.losses >= wire::losses_max) return false;
    // A node that is full is not asked again, nor another about a key that is not its own.
    if (overloaded && (!kept.key.empty() || look_again(open, now).on == nullptr)) return false;
    if (!may_send_again(open, now)) return false;
    kept.may_have_run = kept.may_have_run || may_have_run;
    drop_attempt(open, from);
    send_again(open, !overloaded, now);
    return true;
}

// The connection has ended, and took an attempt with it.
void driver::attempt_lost(call& open, channel& lost, time_point now) {
    bool last = false;
    std::string lost_before;
    if (open.keeps()) {
        auto& kept = *open.kept;
        // A node that said that it leaves was not ended by the call.
        if (!lost.said_goaway && (kept.losses == 0 || kept.lost != lost.instance)) {
            if (kept.losses++ == 0) kept.lost = lost.instance;
        }
        last = kept.losses >= wire::losses_max;
        if (last) lost_before = kept.lost_with;
        if (kept.lost_with.empty()) kept.lost_with = lost.node_name;
        if (kept.second != nullptr) {
            kept.may_have_run = true;
            return drop_attempt(open, lost);
        }
    }
    if (last) {
        return book_.fail_with(
            open, {errc::unavailable, lost_again(open.function, lost_before, lost.node_name)});
    }
    // A connection is lost once, however many calls it had: what each of them costs others is
    // bounded without the budget, and with it a busy moment would decide whose call fails.
    const bool first = open.keeps() && open.kept->attempts == 0;
    if (open.idempotent && (first ? can_send_again(open, now) : may_send_again(open, now))) {
        open.kept->may_have_run = true;
        drop_attempt(open, lost);
        return send_again(open, true, now);
    }
    book_.fail_with(open, {errc::unavailable,
                           "no answer from " + open.function + ", it may have run: lost node " +
                               lost.node_name + " at " + lost.endpoint() + ": " + lost.problem()});
}

// Calls that were not handed to the socket go elsewhere as if they were new. What else waits to
// be sent stays, if the connection can still send it.
void driver::move_unsent(channel& from, bool keep_rest, time_point now) {
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
            call* open = book_.find(unsent.id);
            if (open == nullptr || !sent_on(*open, unsent.id, from)) continue;
            const bool copy_only = open->keeps() && open->kept->second != nullptr;
            drop_attempt(*open, from);
            if (copy_only) continue;  // the other attempt goes on
            if (!open->keeps()) {
                book_.keep(*open, as_text(unsent.key), unsent.trace,
                           [&](wire::frame_buffer& kept) { kept.append(unsent.payload); });
            }
            std::erase(open->kept->tried, from.instance);
            moved.push_back(open);
        }
    }
    if (keep_rest && !rest.empty()) {
        from.out.open().append(rest.view());
        from.out.appended(book_.window());
    }
    for (call* open : moved) {
        const auto to = pick_again(*open, true, now);
        if (to.on == nullptr) {
            hold(*open);
            continue;
        }
        open->idempotent = fleet_.idempotent(to);
        put(*open, *to.on, now);
    }
}

void driver::move_vacated(time_point now) {
    for (channel* each : fleet_.take_vacated()) move_unsent(*each, true, now);
}

// Calls that were sent before it was known what the node serves, and how.
void driver::learn_idempotent(const channel& from) {
    auto& routes = fleet_.paths();
    book_.for_each([&](call& open) {
        if (open.on == &from)
            open.idempotent = routes.idempotent(routes.find(open.function), from.node->place);
    });
}

// -- hedging ---------------------------------------------------------------------------------

void driver::want_copy(call& open, std::uint32_t function, time_point now) {
    if (!open.idempotent || !open.keeps()) return;
    auto& copies = fleet_.paths().hedging(function, ns(now));
    copies.called();
    open.kept->function = function;
    open.kept->sent_at_ns = ns(now);
    open.kept->copy.of = &open;
    if (const auto delay = copies.delay_ns(); delay && fleet_.nodes() > 1)
        copies_.insert(open.kept->copy, now + std::chrono::nanoseconds(*delay));
}

void driver::send_copy(call& open, time_point now) {
    auto& kept = *open.kept;
    if (open.on == nullptr || kept.second != nullptr) return;
    if (kept.attempts + 1u >= call_table::attempts_max || fleet_.nodes() < 2) return;
    const auto to = look_again(open, now);
    if (to.on == nullptr || kept.payload.size > to.on->payload_bytes_max) return;
    if (!fleet_.idempotent(to)) return;
    if (!fleet_.paths().hedging(kept.function, ns(now)).may_hedge(ns(now))) return;
    fleet_.paths().sent(to.on->node->place, to.function, ns(now));
    kept.note_tried(to.on->instance);
    kept.second = to.on;
    kept.second_attempt = ++kept.attempts;
    append_invoke(open, *to.on, kept.second_attempt, now);
    ++stats_.hedges;
}

}  // namespace dunlin::link
