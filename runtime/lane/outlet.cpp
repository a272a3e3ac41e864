// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/outlet.hpp"

#include "client/connection.hpp"
#include "runtime/lane/transport.hpp"
#include "runtime/log.hpp"
#include "support/tsan.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

namespace dunlin::runtime {

namespace {

/// Answers leave together at the end of a turn. A frame that holds this much leaves at once, so
/// that of very many the first are on their way while more are being worked on. Smaller frames
/// cost more than they save: each wakes threads on its way.
constexpr std::uint32_t frame_envelopes_cut = 256;
constexpr std::size_t frame_bytes_cut = 64 * 1024;
/// Answers of so many bytes do not wait for the end of the turn, only for the end of the frame that
/// brought their calls: moving them takes longer than waking those who do.
constexpr std::size_t flush_bytes_min = 16 * 1024;
/// Copying less than this into a ZeroMQ message is cheaper than handing the memory over.
constexpr std::size_t hand_over_bytes_min = 8 * 1024;

/// What stands before a reply's payload, at its longest.
constexpr std::size_t reply_head_bytes_max = 1 + 1 + 9 + 5;

/// Large frames that ZeroMQ holds for one peer: it counts frames, which may be of any size.
constexpr std::size_t unsent_bytes_max = std::size_t{8} << 20;

/// A frame whose memory belongs to ZeroMQ until it is written, or to the lane while it is kept.
struct handed_over {
    void* base;                                      // of a block of ours; null: it is
    std::shared_ptr<link::received_frame> received;  // one that came like this
    std::size_t bytes;
    std::shared_ptr<unsent_frames> unsent;
};

void free_memory(void* /*data*/, void* hint) {
    support::tsan_acquire(hint);
    const std::unique_ptr<handed_over> sent(static_cast<handed_over*>(hint));
    sent->unsent->give_back(sent->bytes);
    support::block_free(sent->base);
}

zmq::message_t hand_over(peer& to, void* start, std::size_t bytes, void* base,
                         std::shared_ptr<link::received_frame> received = nullptr) {
    auto* handed = new handed_over{base, std::move(received), bytes, to.unsent};
    to.unsent->add(bytes);
    to.large_kept += bytes;
    support::tsan_release(handed);
    return zmq::message_t(start, bytes, &free_memory, handed);
}

/// Completes `head` with the envelope of a reply. @returns its bytes, which go in front of the
/// payload.
bytes_view reply_head(wire::frame_buffer& head, std::uint64_t call_id, std::size_t payload_bytes) {
    const auto mark = wire::begin_reply(head, call_id);
    const std::size_t bytes = head.size;
    head.size += payload_bytes;  // the envelope's end reads how much there is, and nothing of it
    wire::end_payload(head, mark);
    return head.view().first(bytes);
}

}  // namespace

outlet::outlet(router_socket& socket, connection_table& connections, reply_budget& replies,
               load_reporter& loads, lane_counters& counters, const std::int64_t& now_ns,
               options how)
    : socket_(socket),
      connections_(connections),
      replies_(replies),
      loads_(loads),
      counters_(counters),
      now_ns_(now_ns),
      options_(std::move(how)) {}

// -- answers ---------------------------------------------------------------------------------

void outlet::reply_value(peer& to, std::uint64_t call_id, const actors::pool* pool,
                         actors::output_buffer& payload) {
    loads_.note(to, pool);
    counters_.replies_sent.add();
    if (payload.size < hand_over_bytes_min) {
        const auto mark = wire::begin_reply(to.out, call_id);
        to.out.append(payload.data, payload.size);
        wire::end_payload(to.out, mark);
        return count_envelope(to);
    }
    flush(to);  // answers leave in the order they were given
    // The envelope goes into the room in front of the payload, and the function's own memory is
    // the frame. What is to be told of the function's load finds room there, too.
    wire::frame_buffer head;
    loads_.tell_one(to, pool, head);
    static_assert(load_reporter::report_bytes_max + reply_head_bytes_max <=
                  actors::output_buffer::headroom);
    const auto front = reply_head(head, call_id, payload.size);
    auto* start = payload.data - front.size();
    std::memcpy(start, front.data(), front.size());
    const std::size_t frame_bytes = front.size() + payload.size;
    send_frame(to, hand_over(to, start, frame_bytes, payload.release()));
}

// What stood in front of the payload has been read, so the caller's envelope may overwrite it. The
// id in it may be longer than the one that was answered, and then there is no room.
void outlet::reply_on(peer& to, std::uint64_t call_id, bytes_view payload,
                      const std::shared_ptr<link::received_frame>& frame) {
    if (frame == nullptr || payload.size() < hand_over_bytes_min)
        return reply_copy(to, call_id, payload);
    wire::frame_buffer head;
    const auto front = reply_head(head, call_id, payload.size());
    auto* begin = static_cast<std::byte*>(zmq_msg_data(frame->message()));
    const auto room = static_cast<std::size_t>(payload.data() - begin);
    // What is kept counts as what is sent, so little else may stand in that memory.
    if (room < front.size() || room - front.size() > payload.size())
        return reply_copy(to, call_id, payload);
    counters_.replies_sent.add();
    flush(to);  // answers leave in the order they were given
    auto* start = begin + (room - front.size());
    std::memcpy(start, front.data(), front.size());
    send_frame(to, hand_over(to, start, front.size() + payload.size(), nullptr, frame));
}

void outlet::reply_copy(peer& to, std::uint64_t call_id, bytes_view payload) {
    counters_.replies_sent.add();
    say(to, wire::reply{call_id, payload});
}

void outlet::reply_error(peer& to, std::uint64_t call_id, const error& why, std::uint32_t losses) {
    reply_failure(to,
                  {call_id, static_cast<std::int64_t>(why.code), why.detail,
                   static_cast<std::uint64_t>(why.retry_after.count()), why.did_not_run, losses});
}

void outlet::reply_full(peer& to, std::uint64_t call_id, const error& why) {
    reply_failure(to, {.id = call_id,
                       .code = static_cast<std::int64_t>(why.code),
                       .detail = why.detail,
                       .retry_after_us = static_cast<std::uint64_t>(why.retry_after.count()),
                       .did_not_run = true,
                       .whole_node = true});
}

void outlet::reply_failure(peer& to, const wire::failure& failure) {
    counters_.failures_sent.add();
    say(to, failure);
}

void outlet::say_goaway(peer& to) {
    wire::append(to.out, wire::goaway{static_cast<std::int64_t>(errc::unavailable),
                                      "node " + options_.node_name + " is draining"});
    count_envelope(to);
}

void outlet::count_envelope(peer& to) {
    if (!to.dirty) {
        to.dirty = true;
        dirty_.push_back(&to);
    }
    ++to.out_envelopes;
    if (to.out_envelopes >= frame_envelopes_cut || to.out.size >= frame_bytes_cut) flush(to);
}

// -- frames ----------------------------------------------------------------------------------

void outlet::flush(peer& to) {
    if (to.out.empty()) return;
    if (!to.loads_due.empty()) loads_.tell(to);
    to.out_envelopes = 0;
    if (to.out.size < hand_over_bytes_min) {
        zmq::message_t frame(to.out.data, to.out.size);
        to.out.clear();
        return send_frame(to, std::move(frame));
    }
    const auto bytes = to.out.size;
    auto* memory = to.out.release();
    send_frame(to, hand_over(to, memory, bytes, memory));
}

void outlet::flush_large() {
    for (auto* each : dirty_) {
        if (each->out.size >= flush_bytes_min) flush(*each);
    }
}

// A ping to it would only fail once more.
void outlet::leave_out_gone_suspects() {
    std::erase_if(suspects_, [](peer* each) {
        if (each->gone) each->suspected = false;
        return each->gone;
    });
}

void outlet::send_frame(peer& to, zmq::message_t frame) {
    if (to.gone) return counters_.answers_undeliverable.add();
    if (to.backlog.empty() && try_send(to, frame)) {
        if (replies_.over()) give_up_slowest();
        return;
    }
    if (to.gone) return lose(to);
    if (to.backlog_bytes + frame.size() > options_.backlog_bytes_max) return give_up_slow(to);
    keep_in_backlog(to, frame.size());
    if (to.backlog.empty()) backlogged_.push_back(&to);
    to.backlog.push_back(std::move(frame));
    if (replies_.over()) give_up_slowest();
}

bool outlet::try_send(peer& to, zmq::message_t& frame) {
    const auto bytes = frame.size();
    const bool counted = bytes >= hand_over_bytes_min;
    if (counted && to.unsent->held() - to.large_kept > unsent_bytes_max) return false;
    switch (socket_.try_send(to.routing_id, frame)) {
        case router_socket::sent::taken: break;
        case router_socket::sent::full: return false;
        case router_socket::sent::unreachable: to.gone = true; return false;
    }
    if (counted) to.large_kept -= bytes;
    if (to.connection != nullptr) connection_table::gave(*to.connection, bytes);
    counters_.frames_sent.add();
    return true;
}

void outlet::send_backlog(peer& to) {
    while (!to.backlog.empty() && !to.gone) {
        const auto bytes = to.backlog.front().size();
        if (!try_send(to, to.backlog.front())) break;
        to.backlog.pop_front();
        left_backlog(to, bytes);
    }
    if (to.gone) return lose(to);
    if (!to.backlog.empty()) backlogged_.push_back(&to);
}

void outlet::keep_in_backlog(peer& of, std::size_t bytes) {
    of.backlog_bytes += bytes;
    if (bytes >= hand_over_bytes_min) return;  // counts wherever it is
    of.backlog_small += bytes;
    if (of.connection != nullptr) of.connection->backlog_small += bytes;
    replies_.add(bytes);
}

void outlet::left_backlog(peer& of, std::size_t bytes) {
    of.backlog_bytes -= bytes;
    if (bytes >= hand_over_bytes_min) return;
    forget_backlog(of, bytes);
}

void outlet::forget_backlog(peer& of, std::size_t small_bytes) {
    of.backlog_small -= small_bytes;
    if (of.connection != nullptr) of.connection->backlog_small -= small_bytes;
    replies_.give_back(small_bytes);
}

void outlet::lose(peer& unreachable) {
    counters_.answers_undeliverable.add();
    unreachable.gone = true;
    if (std::exchange(unreachable.dirty, true)) return;
    dirty_.push_back(&unreachable);
}

void outlet::forget(peer& leaving) {
    // Most are in none of the lists, and thousands may go at once.
    if (leaving.dirty) std::erase(dirty_, &leaving);
    if (!leaving.backlog.empty()) std::erase(backlogged_, &leaving);
    if (leaving.suspected) std::erase(suspects_, &leaving);
    forget_backlog(leaving, leaving.backlog_small);
}

// -- peers that read too slowly, or are perhaps gone ----------------------------------------

void outlet::end_connection(accepted_connection& which) {
    if (std::exchange(which.ended, true)) return;
    counters_.connections_ended.add();
    which.leaving = connection_table::unsent_of(which);
    replies_.leaving(which.leaving);
    transport::end(which);
}

void outlet::give_up_slowest() {
    while (replies_.over()) {
        auto* most = connections_.most_unsent();
        if (most == nullptr || connection_table::unsent_of(*most) < replies_.worth_a_connection())
            return;  // it is another lane's
        if (most->speaker != nullptr)
            give_up_slow(*most->speaker);
        else
            end_connection(*most);
    }
}

void outlet::give_up_slow(peer& reads_too_slowly) {
    auto* connection = reads_too_slowly.connection;
    const auto bytes = connection == nullptr ? reads_too_slowly.backlog_bytes
                                             : connection_table::unsent_of(*connection);
    if (const auto unsaid = said_.due("slow " + reads_too_slowly.name, now_ns_))
        log().warn("peer reads too slowly, dropped",
                   {{"name", reads_too_slowly.name}, {"bytes", bytes}, {"unsaid", *unsaid}});
    counters_.peers_slow_dropped.add();
    if (connection != nullptr) end_connection(*connection);
    lose(reads_too_slowly);
}

// They cannot be addressed to a peer whose connection is gone. ZeroMQ tells of the end before it
// has finished taking the connection down, which needs turns of this thread too; until then a ping
// is swallowed, and another has to follow. A pong ends the suspicion.
void outlet::suspect(peer& disconnected) {
    constexpr std::uint8_t probes = 10;  // over a second, as the pauses double
    disconnected.probes_left = probes;
    disconnected.probe_ns = now_ns_;
    // A pong ends the suspicion, and the next look at the suspects takes it from the list.
    if (!std::exchange(disconnected.suspected, true)) suspects_.push_back(&disconnected);
}

void outlet::probe_suspects() {
    if (suspects_.empty()) return;
    constexpr std::int64_t pause_ns = 1'000'000;
    for (auto* each : suspects_) {
        if (each->probes_left == 0 || each->probe_ns > now_ns_) continue;
        --each->probes_left;
        each->probe_ns = now_ns_ + (pause_ns << (9 - each->probes_left));
        say(*each, wire::ping{0});
    }
    std::erase_if(suspects_, [](peer* each) {
        if (each->probes_left == 0) each->suspected = false;
        return each->probes_left == 0;
    });
}

}  // namespace dunlin::runtime
