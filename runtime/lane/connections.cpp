// SPDX-License-Identifier: Apache-2.0
//
// The transport under a lane's peers: which connections there are, which of them end, and why.
//
// ZeroMQ tells a monitor of each connection that it accepts and of its end. All else comes from the
// kernel and from the lane's own counts, and is looked at every tenth of a second while there are
// connections: the path of a call only counts.
#include "runtime/heap_trim.hpp"
#include "runtime/lane/lane.hpp"
#include "runtime/lane/transport.hpp"
#include "runtime/log.hpp"

#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dunlin::runtime {

namespace {

/// A look at one connection takes some microseconds; all are looked at in turn.
constexpr std::size_t looks_at_once_max = 512;
constexpr std::int64_t look_again_ns = 100'000'000;       // while much moves
constexpr std::int64_t look_again_idle_ns = 250'000'000;  // otherwise
/// The pauses are shorter where there are very many.
constexpr std::int64_t look_on_ns = 20'000'000;
constexpr std::int64_t look_on_idle_ns = 60'000'000;

/// How long a peer has to read why its connection ends.
constexpr std::int64_t end_later_ns = 200'000'000;

/// Where the lane's own question comes from, which tells the routing id that is next.
constexpr const char* own_endpoint = "inproc://lane-itself";
constexpr std::size_t question_bytes = 16;
/// Between two questions, while connections come one after the other.
constexpr std::int64_t ask_again_pause_ns = 2'000'000;

/// A process that hangs still has its heartbeats answered by ZeroMQ's thread; this is more.
constexpr std::uint64_t heartbeat_bytes_max = 1024;

int descriptor_of(zmq::message_t& message) { return zmq_msg_get(message.handle(), ZMQ_SRCFD); }

}  // namespace

// -- what ZeroMQ tells ---------------------------------------------------------------------------

void lane::read_monitor() {
    bool accepted = false;
    socket_.read_events([&](std::uint16_t what, std::int32_t value) {
        switch (what) {
            case ZMQ_EVENT_ACCEPTED:
                connection_accepted(value);
                accepted = true;
                break;
            case ZMQ_EVENT_DISCONNECTED: connection_closed(value); break;
            case ZMQ_EVENT_ACCEPT_FAILED: accept_failed(value); break;
            default: counters_.handshakes_failed.add();
        }
    });
    if (accepted) ask_for_routing_id();
}

void lane::connection_accepted(int fd) {
    accepts_are_told_ = true;
    routing_ids_.accepted();
    ++may_follow_question_;
    // An end that was not told would leave a peer behind.
    if (auto* before = connections_.find(fd)) connection_closed(before->fd);
    auto& added = connections_.accepted(fd, transport::name_of(fd), now_ns_);
    connections_due_ns_ = std::min(connections_due_ns_, now_ns_ + look_again_ns);
    if (!out_of_descriptors_ && connections_.size() <= options_.descriptors.connections_max) return;
    counters_.connections_beyond_limit.add();
    outlet_.end_connection(added);
    if (once_a_minute(say_no_room_ns_))
        log().warn(
            "no room for another connection, so new ones are ended: raise the limit of file "
            "descriptors (ulimit -n, or LimitNOFILE of a systemd unit)",
            {{"connections", connections_.size()},
             {"connections_max", options_.descriptors.connections_max}});
}

// The event may be read when the descriptor already is that of a newer connection, so its peer is
// only suspected: pings decide.
void lane::connection_closed(int fd) {
    auto* gone = connections_.find(fd);
    if (gone == nullptr) return;
    if (auto* speaker = gone->speaker) {
        take_bulk(*speaker);  // nobody waits for it any more, and it counts no longer
        speaker->connection = nullptr;
        outlet_.suspect(*speaker);
    }
    connections_.closed(*gone);
    publish_unread();
}

// Without a descriptor libzmq cannot accept and tries again without a pause. The spare ones let the
// connections that wait be accepted, and ended.
void lane::accept_failed(int why) {
    if (why != EMFILE && why != ENFILE) return;
    out_of_descriptors_ = true;
    spares_.release();
    connections_due_ns_ = std::min(connections_due_ns_, now_ns_ + look_again_ns);
    if (once_a_minute(say_no_room_ns_))
        log().warn(
            "the process has no file descriptor left, so new connections are ended: raise the "
            "limit (ulimit -n, or LimitNOFILE of a systemd unit), or find out what holds them",
            {{"connections", connections_.size()}});
}

// -- routing ids that are not the peer's to choose -----------------------------------------------

void lane::ask_for_routing_id() {
    question_due_ = true;
    if (question_asked_) return;
    if (now_ns_ < ask_again_ns_) {
        connections_due_ns_ = std::min(connections_due_ns_, ask_again_ns_);
        return;
    }
    ask_again_ns_ = now_ns_ + ask_again_pause_ns;
    try {
        if (question_.empty()) {
            std::string random(question_bytes, '\0');
            if (::getentropy(random.data(), random.size()) != 0) throw zmq::error_t();
            socket_.bind_inside(own_endpoint);
            asker_ = zmq::socket_t(socket_.context(), zmq::socket_type::dealer);
            asker_.set(zmq::sockopt::linger, 0);
            question_ = std::move(random);
        }
        may_follow_question_ = connections_.without_speaker();
        asker_.connect(own_endpoint);
        routing_ids_.accepted();  // the question's own peer gets a number, too
        asker_.send(zmq::buffer(question_), zmq::send_flags::none);
        question_asked_ = true;
        question_due_ = false;
        socket_.unheard();
    } catch (const zmq::error_t& e) {
        // No descriptor is left, most likely: it is tried again with a later connection.
        log().debug("the next routing id is not known", {{"why", e.what()}});
    }
}

bool lane::is_own_question(std::string_view routing_id, const zmq::message_t& frame) {
    if (frame.size() != question_bytes || !question_asked_) return false;
    if (std::memcmp(frame.data(), question_.data(), question_bytes) != 0) return false;
    // So that the next connect is the only way for the next question.
    zmq_disconnect(asker_.handle(), own_endpoint);
    question_asked_ = false;
    const auto number = routing_id_count::number_of(routing_id);
    if (!number) return true;
    routing_ids_.learned(*number, may_follow_question_);
    look_for_claims(*number);
    return true;
}

// @returns whether the frame, of a connection on which nobody has said hello, is seen to.
bool lane::turn_away(std::string_view routing_id, zmq::message_t& frame, std::size_t bytes) {
    if (is_own_question(routing_id, frame)) return true;
    const int fd = descriptor_of(frame);
    auto* connection = connections_.find(fd);
    // Its own event may not have been read yet.
    if (connection == nullptr || routing_ids_.is_claim(routing_id)) {
        read_monitor();
        connection = connections_.find(fd);
    }
    // What a connection had sent before it ended comes all the same, and may be very much.
    if (connection == nullptr && accepts_are_told_ && fd >= 0) return true;
    if (connection != nullptr) {
        if (connections_.took(*connection, bytes)) publish_unread();
        if (connection->ended) return true;
    }
    if (!routing_ids_.is_claim(routing_id)) return false;
    counters_.routing_ids_claimed.add();
    if (connection != nullptr) outlet_.end_connection(*connection);
    if (once_a_minute(say_claims_ns_))
        log().warn("a peer claimed a routing id that only ZeroMQ makes up; its connection ends");
    return true;
}

// Whether a number is taken shows when something is sent there. Whose it is does not: the claimer
// has not said a word, so it is among those that have not.
void lane::look_for_claims(std::uint32_t given) {
    peer claimer;
    const auto claims = routing_id_count::claims_ahead(given, [&](std::string id) {
        claimer.routing_id = std::move(id);
        claimer.gone = false;
        zmq::message_t nothing;
        return outlet_.try_send(claimer, nothing) || !claimer.gone;
    });
    if (claims == 0) return;
    counters_.routing_ids_claimed.add(claims);
    connections_.for_each([this](accepted_connection& each) {
        if (each.speaker == nullptr) outlet_.end_connection(each);
    });
    if (once_a_minute(say_claims_ns_))
        log().warn(
            "a peer that has not said hello claims a routing id that ZeroMQ would make up soon; "
            "all connections without a hello end");
}

// -- peers and their connections -----------------------------------------------------------------

void lane::attach(peer& added, int fd) {
    // Of an older connection under this descriptor the end may not have been heard yet.
    read_monitor();
    auto* connection = connections_.find(fd);
    if (connection == nullptr)
        connection = &connections_.accepted(fd, transport::name_of(fd), now_ns_);
    if (connection->speaker != nullptr) {
        connection->speaker->connection = nullptr;
        outlet_.suspect(*connection->speaker);
    }
    connections_.spoken_for(*connection, &added, now_ns_);
    added.connection = connection;
    added.unsent = connection->unsent;
}

void lane::detach(peer& leaving) {
    if (leaving.connection == nullptr) return;
    connections_.spoken_for(*leaving.connection, nullptr, now_ns_);
    connections_due_ns_ = std::min(connections_due_ns_, now_ns_ + look_again_ns);
    leaving.connection = nullptr;
}

void lane::end_later(peer& told) {
    if (told.connection == nullptr) return;
    endings_.push_back({told.connection->fd, told.connection->socket, now_ns_ + end_later_ns});
    connections_due_ns_ = std::min(connections_due_ns_, now_ns_ + end_later_ns);
}

// -- at times ------------------------------------------------------------------------------------

void lane::tend_connections() {
    std::erase_if(endings_, [this](const ending& each) {
        if (each.at_ns > now_ns_) return false;
        auto* which = connections_.find(each.fd);
        if (which != nullptr && which->socket == each.socket) outlet_.end_connection(*which);
        return true;
    });
    connections_.speechless(now_ns_ - peer_limits::speechless_ns_max,
                            [this](accepted_connection& each) {
                                counters_.connections_speechless.add();
                                outlet_.end_connection(each);
                            });
    if (question_due_) ask_for_routing_id();
    const bool moved = sweep_connections();
    publish_unread();
    end_flooding();
    if (replies_.over()) outlet_.give_up_slowest();
    if (out_of_descriptors_ && spares_.refill()) out_of_descriptors_ = false;
    if (options_.trim != nullptr)
        options_.trim->note(frames_.bytes_held() + frames_.bytes_unread() + replies_.bytes_held() +
                            connections_.size() * connection_bytes);
    counters_.connections.set(connections_.size());

    if (connections_.size() == 0 && connections_.unread() == 0 && endings_.empty() &&
        !out_of_descriptors_)
        connections_due_ns_ = std::numeric_limits<std::int64_t>::max();
    else if (connections_.size() > looks_at_once_max)
        connections_due_ns_ = now_ns_ + (moved ? look_on_ns : look_on_idle_ns);
    else
        connections_due_ns_ = now_ns_ + (moved ? look_again_ns : look_again_idle_ns);
}

bool lane::sweep_connections() {
    const auto count = std::min(connections_.size(), looks_at_once_max);
    std::vector<peer*> silent;
    const bool moved = connections_.sweep(count, [&](const accepted_connection& at, traffic& now) {
        if (!transport::traffic_of(at, now)) return false;
        if (at.speaker == nullptr) return true;
        look_after(*at.speaker, at.seen, now);
        if (at.speaker->in_flight > 0 &&
            now_ns_ - at.speaker->heard_ns > peer_limits::silence_ns_max)
            silent.push_back(at.speaker);
        return true;
    });
    for (auto* each : silent) {
        log().info("peer with calls in flight answers no ping, given up",
                   {{"name", each->name}, {"calls", each->in_flight}});
        counters_.peers_silent_dropped.add();
        outlet_.end_connection(*each->connection);
        outlet_.lose(*each);
    }
    return moved;
}

// A peer whose host is gone is the kernel's business; one whose process hangs is not.
void lane::look_after(peer& speaker, const traffic& before, const traffic& now) {
    const bool moved = now.received - before.received > heartbeat_bytes_max ||
                       (now.acknowledged != before.acknowledged && !now.all_acknowledged);
    if (moved) speaker.heard_ns = now_ns_;  // in the middle of something large
    const bool silent = now_ns_ - speaker.heard_ns > peer_limits::silence_ns_asked;
    if (silent && !speaker.asked && speaker.in_flight > 0) {
        outlet_.say(speaker, wire::ping{0});
    }
    speaker.asked = silent;
}

void lane::publish_unread() {
    const auto unread = connections_.unread();
    if (unread == unread_published_) return;
    frames_.unread_changed(unread_published_, unread);
    unread_published_ = unread;
}

// What such a connection has sent is dropped by ZeroMQ when it ends, whole frames excepted.
void lane::end_flooding() {
    if (!frames_.unread_too_much(0)) return;
    std::size_t leaving = 0;
    connections_.for_each([&leaving](const accepted_connection& each) {
        if (each.ended) leaving += connection_table::unread_of(each);
    });
    while (frames_.unread_too_much(leaving)) {
        auto* most = connections_.most_unread();
        const auto unread = most == nullptr ? 0 : connection_table::unread_of(*most);
        if (unread < frames_.worth_a_connection()) return;
        leaving += unread;
        counters_.connections_flooding.add();
        if (once_a_minute(say_flooding_ns_))
            log().warn(
                "a connection sends more than can be read, or a message without an end, and is "
                "ended",
                {{"peer", most->speaker == nullptr ? "(no hello yet)"
                                                   : std::string_view(most->speaker->name)},
                 {"bytes", unread}});
        outlet_.end_connection(*most);
        if (most->speaker != nullptr) outlet_.lose(*most->speaker);
    }
}

bool lane::once_a_minute(std::int64_t& next_ns) const {
    constexpr std::int64_t minute_ns = 60'000'000'000;
    if (now_ns_ < next_ns) return false;
    next_ns = now_ns_ + minute_ns;
    return true;
}

}  // namespace dunlin::runtime
