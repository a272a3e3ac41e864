// SPDX-License-Identifier: Apache-2.0
//
// The inward half of a lane: from bytes on the socket to bundles in the pools.
#include "runtime/lane/gathering.hpp"
#include "runtime/lane/lane.hpp"
#include "runtime/log.hpp"
#include "runtime/text/quantity.hpp"

#include <zmq.h>

#include <algorithm>
#include <cstring>
#include <optional>
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

std::string_view text_of(const zmq::message_t& message) {
    return {static_cast<const char*>(message.data()), message.size()};
}

int descriptor_of(zmq::message_t& message) { return zmq_msg_get(message.handle(), ZMQ_SRCFD); }

}  // namespace

bool lane::receive() {
    router_socket::arrival next;
    if (!socket_.receive(next)) {
        keeper_.saw_nothing();
        return false;
    }
    counters_.frames_received.add();
    take_frame(text_of(next.routing_id), std::move(next.frame), next.bytes, next.single);
    return true;
}

void lane::take_frame(std::string_view routing_id, zmq::message_t frame, std::size_t bytes,
                      bool single) {
    if (authorizer_ && authorizer_->outdated()) take_access();
    auto* from = outlet_.peers().find(routing_id);
    // Routing ids are free to choose once their last connection is gone, which may be before we
    // heard of its end. Then this is somebody else, and has to say hello.
    if (authorizer_ && from != nullptr &&
        authorizer_->is_another(*from, authorizer::key_of(frame))) {
        remove(*from, "its routing id has another connection");
        from = nullptr;
    }
    if (from == nullptr) {
        if (keeper_.turn_away(routing_id, frame, bytes)) return;
    } else {
        keeper_.took(*from, bytes);
        if (single && (from->bulk || frame.size() >= bulk_bytes_min)) {
            from->heard_ns = time_.now_ns();
            return keeper_.put_off(*from, std::move(frame), from->heard_ns);
        }
    }
    if (!single) {
        counters_.frames_malformed.add();
        if (from == nullptr)
            handshake_.refuse_stranger(routing_id);
        else
            outlet_.reply_error(
                *from, 0,
                {errc::invalid_argument, "a frame is one message part; this had several"});
        return;
    }
    read_frame(from, routing_id, std::move(frame));
}

void lane::read_frame(peer* from, std::string_view routing_id, zmq::message_t frame) {
    now_ns_ = time_.now_ns();  // deadlines count from here
    if (from != nullptr) from->heard_ns = now_ns_;
    if (frame.size() > options_.frame_bytes_max()) {
        if (from != nullptr) return refuse_oversized(*from, frame.size());
        counters_.frames_oversized.add();
        return handshake_.refuse_stranger(routing_id);
    }
    handshake::sender by;
    if (from != nullptr) from->late_ns = 0;
    if (from == nullptr) by.fd = descriptor_of(frame);
    if (from == nullptr && authorizer_) by.key = authorizer::key_of(frame);
    frame_reading reading(std::move(frame), frames_, now_ns_);
    busy_poll_.received(reading.rest.size());
    if (!read_slice(from, routing_id, reading, by)) return;
    from->bulk = std::make_unique<bulk_frames>();
    from->bulk->begun.emplace(std::move(reading));
    keeper_.queue_bulky(*from);
}

void lane::refuse_oversized(peer& from, std::size_t bytes) {
    counters_.frames_oversized.add();
    outlet_.reply_error(
        from, 0,
        {errc::invalid_argument,
         "a frame of " + std::to_string(bytes) + " bytes exceeds the limit of " +
             std::to_string(options_.frame_bytes_max()) + "; it was dropped whole"});
}

bool lane::read_slice(peer*& from, std::string_view routing_id, frame_reading& of,
                      const handshake::sender& by) {
    wire::frame_reader reader(of.rest);
    gathering gathered{*of.memory};
    gathered.envelopes_expected = of.rest.size() / 64 + 1;
    std::size_t envelopes = 0;
    bool reading = true;
    while (reading && (envelopes < envelopes_per_slice || from == nullptr)) {
        ++envelopes;
        const auto status = reader.next();
        switch (status) {
            case wire::read_status::end: reading = false; continue;
            case wire::read_status::skipped:
                if (from != nullptr) continue;
                break;
            case wire::read_status::malformed:
                counters_.frames_malformed.add();
                if (from == nullptr) break;
                outlet_.reply_error(*from, 0, {errc::invalid_argument, reader.problem()});
                reading = false;
                continue;
            case wire::read_status::envelope: break;
        }
        if (from == nullptr) {
            if (status != wire::read_status::envelope || reader.kind() != wire::kind::hello) {
                handshake_.refuse_stranger(routing_id, reader.problem());
                return false;
            }
            from = handshake_.greet(routing_id, reader.hello(), by);
            of.welcomed = true;
            if (from == nullptr) return false;
            continue;
        }
        switch (reader.kind()) {
            case wire::kind::hello:
                if (!std::exchange(of.welcomed, true)) handshake_.welcome(*from);
                break;
            case wire::kind::invoke: take_invoke(*from, reader.invoke(), gathered); break;
            case wire::kind::cancel:
                submit(gathered);  // it may be about a call in this very frame
                take_cancel(*from, reader.id_or_token());
                break;
            case wire::kind::ping: outlet_.say(*from, wire::pong{reader.id_or_token()}); break;
            case wire::kind::bye:
                submit(gathered);
                say_bye(*from);
                from = nullptr;
                return false;
            case wire::kind::sent:
                from->late_ns = from->delay.late_ns(reader.id_or_token(), now_ns_);
                break;
            case wire::kind::pong:
                from->probes_left = 0;
                if (reader.id_or_token() == farewell_token) from->farewell_due = false;
                if (reader.id_or_token() == drain_token) {
                    submit(gathered);
                    from->drain_due = false;
                }
                break;
            case wire::kind::gossip:
                if (from->role != wire::peer_role::node && authorizer_)
                    authorizer_->pretended(*from, 0, "gossip");
                if (membership_ == nullptr || from->role != wire::peer_role::node) break;
                if (!from->gossips) handshake_.begin_gossip(*from);
                membership_->heard(from->instance, reader.gossip().message);
                break;
            case wire::kind::load:
                if (from->role == wire::peer_role::node) {
                    if (auto* link = links_.find(from->instance); link != nullptr)
                        router_.loads(*link, reader.items(), now_ns_);
                } else if (authorizer_) {
                    authorizer_->pretended(*from, 0, "the load of a node");
                }
                break;
            default: break;  // what only nodes send to those who connect: nothing to do
        }
    }
    submit(gathered);
    of.rest = reader.rest();
    return reading;
}

void lane::take_invoke(peer& from, const wire::invoke& call, gathering& into) {
    counters_.invocations_received.add();
    if (authorizer_ && !authorizer_->may_call(from, call, into))
        return;  // before anything else is told of it
    const auto waits = [&](call_window::ticket) -> ledger_entry& { return attach(from, call); };
    if (repeats_.has_name(from, call) && repeats_.take(from, call, into, waits)) return;
    take_new(from, call, into);
    if (into.named) repeats_.not_taken(into);
}

// No function sees this invocation: it is what the deadline, a cancel and the end of the node find
// of a repeat that waits.
ledger_entry& lane::attach(peer& from, const wire::invoke& call) {
    auto* nothing = new no_memory;
    turn_work_.push_back(actors::bundle::create(1, *nothing));
    nothing->release();
    auto& entry = enter(from, call, *turn_work_.back());
    auto& invocation = entry.invocation();
    invocation.payload = {};
    invocation.key = {};
    invocation.trace = {};
    entry.pool = functions_.find(call.function);
    return entry;
}

void lane::take_new(peer& from, const wire::invoke& call, gathering& into) {
    // What a node says of itself it says until it ends.
    if (stage_ != stage::serving ||
        (draining_ && !from.drain_due && !call.function.starts_with("dunlin/")))
        return outlet_.reply_error(from, call.id, not_taken_any_more());
    if (const auto left_ns = time_left_ns(from, call); left_ns <= 0) {
        counters_.calls_overdue.add();
        return outlet_.reply_error(from, call.id, overdue(call.function, -left_ns));
    }
    if (from.in_flight >= options_.in_flight_max)
        return outlet_.reply_error(from, call.id,
                                   {errc::overloaded,
                                    "this connection has " + std::to_string(from.in_flight) +
                                        " calls unanswered, the most it may; wait for some",
                                    std::chrono::milliseconds(1)});
    if (call.payload.size() > options_.payload_bytes_max)
        return outlet_.reply_error(
            from, call.id,
            {errc::invalid_argument, "payload of " + std::to_string(call.payload.size()) +
                                         " bytes exceeds the node's limit of " +
                                         std::to_string(options_.payload_bytes_max)});
    if (into.function != call.function) {
        submit(into);
        into.pool = functions_.find(call.function);
        into.route = router_.route(call.function);
        into.function = call.function;
        into.unknown.reset();
    }
    if ((into.route != nullptr || !call.key.empty()) && send_on(from, call, into)) return;
    if (into.pool == nullptr) {
        const bool forwarded = (call.flags & wire::invoke_flags::forwarded) != 0;
        if (!into.unknown)
            into.unknown =
                forwarded ? functions_.unknown(call.function) : explain_unknown(call.function);
        return outlet_.reply_error(from, call.id, *into.unknown);
    }
    // The node's own functions answer at once, and tell who asks why others are refused.
    if (!into.memory.fits() && into.pool->info().module_name != "dunlin")
        return outlet_.reply_error(from, call.id, too_much_held(*into.pool));
    if (!into.work) {
        const auto capacity =
            std::min<std::size_t>(into.pool->bundle_capacity(), into.envelopes_expected);
        into.work = actors::bundle::create(static_cast<std::uint32_t>(capacity), into.memory);
    }
    auto& entry = enter(from, call, *into.work, into);
    entry.pool = into.pool;
    if ((call.flags & wire::invoke_flags::forwarded) == 0) entry.route = into.route;
    if (into.work->full()) submit(into);
}

ledger_entry& lane::enter(peer& from, const wire::invoke& call, actors::bundle& work) {
    busy_poll_.handled(1);
    auto& entry = ledger_.open(from, call.id);
    ++from.in_flight;
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
    invocation.origin = this;
    invocation.address = entry.address();
    if (call.remaining_us != 0) invocation.deadline_ns = now_ns_ + time_left_ns(from, call);
    return entry;
}

ledger_entry& lane::enter(peer& from, const wire::invoke& call, actors::bundle& work,
                          gathering& into) {
    auto& entry = enter(from, call, work);
    if (into.named) {
        entry.plays = ledger_entry::part::first;
        entry.named = std::exchange(into.named, {});
    }
    return entry;
}

error lane::explain_unknown(std::string_view function) {
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

error lane::not_taken_any_more() const {
    error why{errc::unavailable, "node " + options_.node_name +
                                     (stage_ != stage::serving ? " stops" : " is draining") +
                                     "; the call did not run"};
    why.did_not_run = true;
    return why;
}

error lane::too_much_held(const actors::pool& wanted) const {
    constexpr std::chrono::milliseconds pause_min{
        50};  // what is in the way may be another function
    const auto hint = std::max<std::chrono::microseconds>(wanted.retry_after(), pause_min);
    return {errc::overloaded,
            "the call does not fit beside those that the node works on: their frames may weigh " +
                format_size(frames_.bytes_max()) +
                " together (pools.queue_bytes_max); try again in " +
                std::to_string((hint.count() + 999) / 1000) + " ms",
            hint};
}

void lane::submit(gathering& gathered) {
    if (!gathered.work) return;
    turn_work_.push_back(gathered.work);
    gathered.pool->submit(std::move(gathered.work), [&](actors::bundle& work, std::uint32_t from) {
        spill(work, from, overloaded(*gathered.pool));
    });
    gathered.work = {};
}

void lane::take_cancel(peer& from, std::uint64_t call_id) {
    settle();  // a call of this turn is not in the index yet
    auto* found = from.settled.find(call_id);
    if (found == nullptr) return;  // answered already: the reply has crossed the cancel
    auto& entry = *found;
    error why{errc::cancelled, "the caller withdrew the call"};
    if (repeats_.leave_to_repeats(entry)) return outlet_.reply_error(from, call_id, why);
    if (!stop_unstarted(entry, why.code)) return answer_in_place(entry, why.code, why.detail);
    why.detail += " before it began";
    why.did_not_run = true;
    forwarded_error(entry, std::move(why));
}

}  // namespace dunlin::runtime
