// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/connection_keeper.hpp"

#include "runtime/heap_trim.hpp"
#include "runtime/lane/transport.hpp"
#include "runtime/log.hpp"

#include <zmq.h>

#include <algorithm>
#include <cerrno>

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

/// A process that hangs still has its heartbeats answered by ZeroMQ's thread; this is more.
constexpr std::uint64_t heartbeat_bytes_max = 1024;

int descriptor_of(zmq::message_t& message) { return zmq_msg_get(message.handle(), ZMQ_SRCFD); }

}  // namespace

connection_keeper::connection_keeper(router_socket& socket, connection_table& connections,
                                     outlet& out, memory_budget& budget, reply_budget& replies,
                                     lane_counters& counters, const std::int64_t& now_ns,
                                     options how)
    : socket_(socket),
      connections_(connections),
      outlet_(out),
      budget_(budget),
      replies_(replies),
      counters_(counters),
      now_ns_(now_ns),
      options_(how),
      probe_(socket) {}

void connection_keeper::start() {
    if (!probe_.started()) ask_for_routing_id();
}

// -- what ZeroMQ tells ---------------------------------------------------------------------------

void connection_keeper::read_monitor() {
    bool any_accepted = false;
    socket_.read_events([&](std::uint16_t what, std::int32_t value) {
        switch (what) {
            case ZMQ_EVENT_ACCEPTED:
                accepted(value);
                any_accepted = true;
                break;
            case ZMQ_EVENT_DISCONNECTED: closed(value); break;
            case ZMQ_EVENT_ACCEPT_FAILED: accept_failed(value); break;
            default: counters_.handshakes_failed.add();
        }
    });
    if (any_accepted) ask_for_routing_id();
}

void connection_keeper::accepted(int fd) {
    accepts_are_told_ = true;
    probe_.accepted();
    // An end that was not told would leave a peer behind.
    if (auto* before = connections_.find(fd)) closed(before->fd);
    auto& added = connections_.accepted(fd, transport::name_of(fd), now_ns_);
    be_due(now_ns_ + look_again_ns);
    if (!out_of_descriptors_ && connections_.size() <= options_.connections_max) return;
    counters_.connections_beyond_limit.add();
    outlet_.end_connection(added);
    if (once_a_minute(say_no_room_ns_))
        log().warn(
            "no room for another connection, so new ones are ended: raise the limit of file "
            "descriptors (ulimit -n, or LimitNOFILE of a systemd unit)",
            {{"connections", connections_.size()}, {"connections_max", options_.connections_max}});
}

// The event may be read when the descriptor already is that of a newer connection, so its peer is
// only suspected: pings decide.
void connection_keeper::closed(int fd) {
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
void connection_keeper::accept_failed(int why) {
    if (why != EMFILE && why != ENFILE) return;
    out_of_descriptors_ = true;
    spares_.release();
    be_due(now_ns_ + look_again_ns);
    if (once_a_minute(say_no_room_ns_))
        log().warn(
            "the process has no file descriptor left, so new connections are ended: raise the "
            "limit (ulimit -n, or LimitNOFILE of a systemd unit), or find out what holds them",
            {{"connections", connections_.size()}});
}

// -- routing ids that are not the peer's to choose -----------------------------------------------

void connection_keeper::ask_for_routing_id() {
    be_due(probe_.ask(connections_.without_speaker(), now_ns_));
}

bool connection_keeper::turn_away(std::string_view routing_id, zmq::message_t& frame,
                                  std::size_t bytes) {
    if (std::size_t claims = 0; probe_.is_question(routing_id, frame, claims)) {
        if (claims != 0) end_claimers(claims);
        return true;
    }
    const int fd = descriptor_of(frame);
    auto* connection = connections_.find(fd);
    // Its own event may not have been read yet.
    if (connection == nullptr || probe_.is_claim(routing_id)) {
        read_monitor();
        connection = connections_.find(fd);
    }
    // What a connection had sent before it ended comes all the same, and may be very much.
    if (connection == nullptr && accepts_are_told_ && fd >= 0) return true;
    if (connection != nullptr) {
        if (connections_.took(*connection, bytes)) publish_unread();
        if (connection->ended) return true;
    }
    if (!probe_.is_claim(routing_id)) return false;
    counters_.routing_ids_claimed.add();
    if (connection != nullptr) outlet_.end_connection(*connection);
    if (once_a_minute(say_claims_ns_))
        log().warn("a peer claimed a routing id that only ZeroMQ makes up; its connection ends");
    return true;
}

// Whose a claimed id is does not show: the claimer has not said a word, so it is among those that
// have not.
void connection_keeper::end_claimers(std::size_t claims) {
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

void connection_keeper::attach(peer& added, int fd) {
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

void connection_keeper::detach(peer& leaving) {
    if (leaving.connection == nullptr) return;
    connections_.spoken_for(*leaving.connection, nullptr, now_ns_);
    be_due(now_ns_ + look_again_ns);
    leaving.connection = nullptr;
}

void connection_keeper::end_later(peer& told) {
    if (told.connection == nullptr) return;
    endings_.push_back({told.connection->fd, told.connection->socket, now_ns_ + end_later_ns});
    be_due(now_ns_ + end_later_ns);
}

// -- frames that are read later ------------------------------------------------------------------

void connection_keeper::put_off(peer& from, zmq::message_t frame, std::int64_t came_ns) {
    if (!from.bulk) {
        from.bulk = std::make_unique<bulk_frames>();
        queue_bulky(from);
    }
    auto& added = from.bulk->later.emplace_back(bulk_frames::frame{std::move(frame), came_ns});
    if (from.connection == nullptr) return;
    connections_.put_off(*from.connection, added.weight());
    publish_unread();
    // Some gigabytes may come until the next look at the connections.
    if (budget_.unread_too_much(0)) due_ns_ = now_ns_;
}

peer& connection_keeper::next_bulky() {
    auto& next = *bulky_.front();
    bulky_.pop_front();
    return next;
}

bulk_frames::frame connection_keeper::begin_bulk(peer& of) {
    auto next = std::move(of.bulk->later.front());
    of.bulk->later.pop_front();
    if (of.connection != nullptr) {
        connections_.begun(*of.connection, next.weight());
        publish_unread();
    }
    return next;
}

std::unique_ptr<bulk_frames> connection_keeper::take_bulk(peer& of) {
    if (!of.bulk) return nullptr;
    std::erase(bulky_, &of);
    if (of.connection != nullptr)
        for (const auto& each : of.bulk->later) connections_.begun(*of.connection, each.weight());
    return std::move(of.bulk);
}

// -- at times ------------------------------------------------------------------------------------

void connection_keeper::tend() {
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
    if (probe_.due()) ask_for_routing_id();
    const bool moved = sweep();
    publish_unread();
    end_flooding();
    if (replies_.over()) outlet_.give_up_slowest();
    if (out_of_descriptors_ && spares_.refill()) out_of_descriptors_ = false;
    if (options_.trim != nullptr)
        options_.trim->note(budget_.frames_held() + budget_.bytes_unread() + replies_.bytes_held() +
                            connections_.size() * connection_bytes);
    counters_.connections.set(connections_.size());

    if (connections_.size() == 0 && connections_.unread() == 0 && endings_.empty() &&
        !out_of_descriptors_)
        due_ns_ = std::numeric_limits<std::int64_t>::max();
    else if (connections_.size() > looks_at_once_max)
        due_ns_ = now_ns_ + (moved ? look_on_ns : look_on_idle_ns);
    else
        due_ns_ = now_ns_ + (moved ? look_again_ns : look_again_idle_ns);
}

bool connection_keeper::sweep() {
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
void connection_keeper::look_after(peer& speaker, const traffic& before, const traffic& now) {
    const bool moved = now.received - before.received > heartbeat_bytes_max ||
                       (now.acknowledged != before.acknowledged && !now.all_acknowledged);
    if (moved) speaker.heard_ns = now_ns_;  // in the middle of something large
    const bool silent = now_ns_ - speaker.heard_ns > peer_limits::silence_ns_asked;
    if (silent && !speaker.asked && speaker.in_flight > 0) {
        outlet_.say(speaker, wire::ping{0});
    }
    speaker.asked = silent;
}

void connection_keeper::publish_unread() {
    const auto unread = connections_.unread();
    if (unread == unread_published_) return;
    budget_.unread_changed(unread_published_, unread);
    unread_published_ = unread;
}

// What such a connection has sent is dropped by ZeroMQ when it ends, whole frames excepted.
void connection_keeper::end_flooding() {
    if (!budget_.unread_too_much(0)) return;
    std::size_t leaving = 0;
    connections_.for_each([&leaving](const accepted_connection& each) {
        if (each.ended) leaving += connection_table::unread_of(each);
    });
    while (budget_.unread_too_much(leaving)) {
        auto* most = connections_.most_unread();
        const auto unread = most == nullptr ? 0 : connection_table::unread_of(*most);
        if (unread < budget_.worth_a_connection()) return;
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

bool connection_keeper::once_a_minute(std::int64_t& next_ns) const {
    constexpr std::int64_t minute_ns = 60'000'000'000;
    if (now_ns_ < next_ns) return false;
    next_ns = now_ns_ + minute_ns;
    return true;
}

}  // namespace dunlin::runtime
