// SPDX-License-Identifier: Apache-2.0
//
// What arrives, and how connections come and go.
#include "client/checks.hpp"
#include "client/driver.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace dunlin::link {
namespace {

// Answers matched under one hold of the mutex.
constexpr std::size_t batch_max = 64;
// A payload's length has four bytes.
constexpr std::uint64_t payload_bytes_ceiling = std::numeric_limits<std::uint32_t>::max();

std::chrono::steady_clock::time_point at_ns(std::int64_t ns) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ns));
}

}  // namespace

// -- frames ----------------------------------------------------------------------------------

void driver::handle(connection& from, const std::shared_ptr<received_frame>& frame) {
    wire::frame_reader reader(frame->view());
    busy_poll_.received(frame->view().size());
    bool more = frame->one_part();
    const char* problem = more ? nullptr : "a message of several parts";
    bool first = true;
    time_point at{};  // read once, where something needs it
    while (more) {
        bool farewell = false;
        {
            const lock held(mutex_);
            if (std::exchange(first, false)) {
                ++stats_.frames_received;
                book_.frame_begins();
                if (many_ || from.pulse.asked()) {
                    at = clock::now();
                    from.pulse.heard(ns(at));
                    if (from.node != nullptr && from.node->late) mark_late(*from.node);
                }
            }
            book_.recycle();
            while (more && !farewell && batch_.size() < batch_max) {
                const auto status = reader.next();
                if (status == wire::read_status::skipped) continue;
                if (status != wire::read_status::envelope) {
                    if (status == wire::read_status::malformed) problem = reader.problem();
                    more = false;
                    break;
                }
                switch (reader.kind()) {
                    case wire::kind::reply: {
                        const auto id = reader.reply().id;
                        call* to = book_.find(id);
                        if (to == nullptr || !sent_on(*to, id, from)) break;
                        if (many_) answered(*to, from, at);
                        book_.settle(*to);
                        ++stats_.replies;
                        batch_.push_back({to, reader.reply().payload, 0, 0, false, false});
                        break;
                    }
                    case wire::kind::failure: {
                        const auto& failure = reader.failure();
                        call* to = book_.find(failure.id);
                        if (to == nullptr || !sent_on(*to, failure.id, from)) break;
                        if (goes_on(*to, from, failure, at)) break;
                        const auto hint_us = to->keeps() && to->kept->retry_after_us != 0
                                                 ? to->kept->retry_after_us
                                                 : failure.retry_after_us;
                        // A copy that is under way elsewhere may have run as well.
                        const bool may_have_run =
                            to->keeps() && (to->kept->may_have_run || to->kept->second != nullptr);
                        end_others(*to, from, at);
                        book_.fail(*to);
                        const auto code = failure.code == 0 ? std::int64_t{-1} : failure.code;
                        batch_.push_back({to, as_bytes(failure.detail), code, hint_us,
                                          failure.did_not_run, may_have_run});
                        break;
                    }
                    case wire::kind::load:
                        if (many_) take_loads(from, reader.items(), at);
                        break;
                    case wire::kind::catalog: take_catalog(from, reader.items()); break;
                    case wire::kind::members:
                        at = clock::now();
                        take_members(from, reader.items(), at);
                        break;
                    case wire::kind::ping:
                        append(from.out.open(), wire::pong{reader.id_or_token()});
                        from.out.appended(book_.window());
                        break;
                    // With what the node serves, which follows, before anyone calls it.
                    case wire::kind::welcome:
                        handle_welcome(from, reader.welcome());
                        at = clock::now();
                        break;
                    case wire::kind::goaway: farewell = true; break;
                    default: break;
                }
            }
        }
        busy_poll_.handled(batch_.size());
        for (const auto& a : batch_) deliver(*a.to, to_result(a, frame));
        batch_.clear();
        if (farewell) handle_goaway(from, reader.goaway().code, reader.goaway().detail);
    }
    if (problem == nullptr) return;
    const lock held(mutex_);
    ++stats_.frames_malformed;
    from.give_up_reading(std::string("the node sent a malformed frame: ") + problem);
}

result<bytes> driver::to_result(const answer& a,
                                const std::shared_ptr<received_frame>& frame) const {
    if (a.code == 0) return bytes(frame, a.data);
    const auto retry_us = std::min<std::uint64_t>(
        a.retry_after_us, static_cast<std::uint64_t>(std::chrono::microseconds::max().count()));
    error why{errc_from_number(a.code), std::string(as_text(a.data)),
              std::chrono::microseconds(static_cast<std::int64_t>(retry_us)), a.did_not_run};
    return a.may_have_run ? after_attempts(std::move(why)) : std::move(why);
}

void driver::handle_welcome(connection& from, const wire::welcome& envelope) {
    if (from.now != connection::phase::greeting) return;
    if (envelope.version != wire::protocol_version) {
        return from.give_up("the node speaks version " + std::to_string(envelope.version) +
                            " of the protocol, this client version " +
                            std::to_string(wire::protocol_version));
    }
    if (!options_.cluster.empty() && envelope.cluster != options_.cluster) {
        return refuse(from, {errc::unauthenticated,
                             "the node at " + from.endpoint() +
                                 (envelope.cluster.empty()
                                      ? " belongs to no cluster"
                                      : " belongs to cluster " + std::string(envelope.cluster)) +
                                 ", this client wants " + options_.cluster});
    }
    from.payload_bytes_max = std::min(envelope.payload_bytes_max, payload_bytes_ceiling);
    from.in_flight_max = envelope.in_flight_max == 0
                             ? std::numeric_limits<std::size_t>::max()
                             : static_cast<std::size_t>(envelope.in_flight_max);
    from.clustered = (envelope.features & wire::features::cluster) != 0;
    from.node_name = envelope.node;
    from.instance = envelope.instance;
    std::vector<std::string> endpoints;
    for (std::size_t i = 0; i < envelope.endpoint_count; ++i) {
        std::string endpoint = reachable(envelope.endpoints[i], from.endpoint());
        if (check_endpoint(endpoint)) endpoints.push_back(std::move(endpoint));
    }
    if (plan_.welcomed(from.lane(), from.instance, endpoints)) ++stats_.reconnects;
    refused_ = false;
    if (plan_.has(from.lane())) {
        from.now = connection::phase::live;
        join_node(from, clock::now());
    } else {
        from.now = connection::phase::leaving;  // another connection leads there already
    }
    reached_.notify_all();
}

void driver::refuse(connection& from, error why) {
    refused_ = true;
    from.give_up("refused: " + why.detail);
    refusal_ = std::move(why);
}

void driver::handle_goaway(connection& from, std::int64_t code, std::string_view detail) {
    const lock held(mutex_);
    const auto reason = errc_from_number(code);
    std::string text(detail);
    if (from.now == connection::phase::greeting) {
        refused_ = reason != errc::unavailable;
        if (!refused_) return from.give_up("refused: " + text);
        return refuse(from,
                      {reason, "the node at " + from.endpoint() + " refused this client: " + text});
    }
    // A node that has forgotten us has forgotten our calls too.
    if (reason == errc::unauthenticated) return from.give_up("the node does not know us: " + text);
    from.said_goaway = true;
    if (from.now == connection::phase::leaving) return;
    last_problem_ = from.endpoint() + ": the node is leaving: " + text;
    const auto now = clock::now();
    plan_.left(from.lane(), now);
    // Its other lanes say the same soon, but there is no need to wait for it.
    members_stale_ = true;
    if (plan_.has(from.lane())) plan_.lost(from.lane(), now);
    retire(from, now);
    refresh_members(now);
}

// -- connections -----------------------------------------------------------------------------

// What time asks for. @returns whether there may be something to send, receive or deliver now.
bool driver::upkeep(time_point now) {
    bool late = false;
    bool closing = false;
    bool opening = false;
    {
        const lock held(mutex_);
        book_.expire(now, [this](const call& expired) { return expiry(expired); });
        copies_.advance(now, [&](support::timer_node& node) {
            send_copy(*static_cast<kept_call::copy_timer&>(node).of, now);
        });
        const bool asked = feel_pulses(now);
        late = asked || book_.any_due();
        for (const auto& one : connections_) closing = closing || needs_closing(*one, now);
        // An attempt that nobody makes any more must not look like work, or its leader never ends.
        opening = !stopping_ && (plan_.next_action() <= now || names_.ready(now));
    }
    if (closing) close_connections(now);
    if (closing || opening) open_connections(now);
    return late || closing || opening;
}

error driver::expiry(const call& late) const {
    const auto within = " within " + to_text(late.timeout);
    if (late.on != nullptr) {
        return {errc::deadline_exceeded, "no answer from " + late.function + within};
    }
    const auto where = "no node answered at " + std::string(plan_.seeking()) + within +
                       (last_problem_.empty() ? "" : "; last: " + last_problem_);
    if (late.keeps() && !late.kept->tried.empty()) {
        return {errc::unavailable,
                "no answer from " + late.function + ", it may have run, and since then " + where};
    }
    return {errc::unavailable, late.function + " did not run: " + where};
}

void driver::open_connections(time_point now) {
    lock held(mutex_);
    while (!stopping_) {
        auto attempt = plan_.next_attempt(now);
        if (!attempt) break;
        held.unlock();
        names_.ask(std::move(*attempt), now, now + connecting_.greet_timeout);
        held.lock();
    }
    held.unlock();
    for (const auto& each : names_.take(now)) connect(each, now);
    rebuild_poll_set();
}

void driver::connect(const name_lookup::outcome& to, time_point now) {
    lock held(mutex_);
    // Meanwhile another attempt may have led there, or the node may have left.
    if (stopping_ || !plan_.has(to.lane)) return;
    std::unique_ptr<connection> made;
    std::string problem = to.problem;
    if (problem.empty()) {
        held.unlock();
        try {
            made = std::make_unique<connection>(context_, to.lane, to.endpoint, connecting_, now,
                                                to.address);
        } catch (const zmq::error_t& e) {
            problem = e.what();
        }
        held.lock();
    }
    if (made) {
        connections_.push_back(std::move(made));
        return;
    }
    last_problem_ = to.endpoint + ": " + problem;
    plan_.lost(to.lane, now);
    reached_.notify_all();
}

// Without others there is nothing to be gained by giving a node up.
bool driver::listens_to(const connection& one) const noexcept {
    if (!many_ || !one.problem().empty()) return false;
    return one.now == connection::phase::leaving ||
           (one.now == connection::phase::live && nodes_.size() > 1);
}

// Looks after nodes that hang, or are cut off, as long as there are others.
// @returns whether there is something to send.
bool driver::feel_pulses(time_point now) {
    bool asks = false;
    for (const auto& one : connections_) {
        if (!listens_to(*one)) continue;
        auto verdict = one->pulse.look(one->in_flight != 0, ns(now));
        using said = cluster::pulse::verdict;
        if (verdict == said::well) continue;
        const bool moved = one->moved();  // since the last look like this one
        if (verdict == said::ping) {
            append(one->out.open(), wire::ping{0});
            one->out.appended(book_.window());
            asks = true;
        } else if (moved) {
            one->pulse.heard(ns(now));
        } else if (verdict == said::silent) {
            one->give_up("it does not answer, and the connection is silent");
        }
        if (one->node != nullptr && one->node->late != one->pulse.late()) mark_late(*one->node);
    }
    return asks;
}

bool driver::needs_closing(const connection& one, time_point now) const {
    if (!one.problem().empty()) return true;
    switch (one.now) {
        case connection::phase::greeting: return now >= one.greet_by() || !plan_.has(one.lane());
        case connection::phase::leaving: return one.in_flight == 0 && one.out.empty();
        case connection::phase::live: return false;
    }
    return false;
}

// Takes down connections that are of no use any more.
void driver::close_connections(time_point now) {
    std::vector<std::unique_ptr<connection>> closing;
    {
        const lock held(mutex_);
        for (auto& one : connections_) {
            if (one->now == connection::phase::greeting && now >= one->greet_by()) {
                one->give_up_greeting(now);
            }
            if (!one->problem().empty()) detach(*one, now);
        }
        refresh_members(now);
        for (auto& one : connections_) {
            if (needs_closing(*one, now)) closing.push_back(std::move(one));
        }
        std::erase(connections_, nullptr);
    }
    for (auto& one : closing) one->say_bye();
    rebuild_poll_set();
}

// Sees to the calls of a connection that has failed, and lets the plan go on without it.
void driver::detach(connection& lost, time_point now) {
    last_problem_ = lost.endpoint() + ": " + lost.problem();
    if (lost.keys_refused()) {
        refused_ = true;
        refusal_ = {errc::unauthenticated, "cannot use the node at " + last_problem_};
    }
    leave_node(lost);
    if (lost.now != connection::phase::leaving) plan_.lost(lost.lane(), now);
    lost.now = connection::phase::leaving;
    move_unsent(lost, false, now);
    if (lost.in_flight != 0) {
        book_.for_each([&](call& open) {
            const bool copy = open.keeps() && open.kept->second == &lost;
            if (open.on == &lost || copy) attempt_lost(open, lost, now);
        });
    }
    reached_.notify_all();
}

void driver::rebuild_poll_set() {
    poll_set_.assign(1, {leader_event_.fd(), POLLIN, 0});
    const lock held(mutex_);
    for (const auto& one : connections_) {
        poll_set_.push_back({one->socket_fd(), POLLIN, 0});
        poll_set_.push_back({one->monitor_fd(), POLLIN, 0});
    }
    // It may be watching sockets that are gone.
    wake_background();
}

driver::time_point driver::next_upkeep() {
    auto first = std::min(plan_.next_action(), names_.next_action());
    for (const auto& one : connections_) {
        if (one->now == connection::phase::greeting) first = std::min(first, one->greet_by());
        if (listens_to(*one)) first = std::min(first, at_ns(one->pulse.next_ns()));
        if (!one->problem().empty()) first = time_point::min();
    }
    return first;
}

}  // namespace dunlin::link
