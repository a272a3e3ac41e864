// SPDX-License-Identifier: Apache-2.0
//
// The outward half of a lane: from answers to frames on the socket.
#include "runtime/lane/lane.hpp"
#include "runtime/log.hpp"
#include "support/tsan.hpp"

#include <poll.h>

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

/// A report of one function's load, and what stands before a reply's payload, at their longest.
constexpr std::size_t load_bytes_max = 1 + 1 + 1 + 1 + 5 + 9 + 9 + 5 + 5;
constexpr std::size_t reply_head_bytes_max = 1 + 1 + 9 + 5;

/// Large frames that ZeroMQ holds for one peer: it counts frames, which may be of any size.
constexpr std::size_t unsent_bytes_max = std::size_t{8} << 20;

/// A frame whose memory belongs to ZeroMQ until it is written, or to the lane while it is kept.
struct handed_over {
    void* base;
    std::size_t bytes;
    std::shared_ptr<unsent_frames> unsent;
};

void free_memory(void* /*data*/, void* hint) {
    support::tsan_acquire(hint);
    const std::unique_ptr<handed_over> sent(static_cast<handed_over*>(hint));
    sent->unsent->give_back(sent->bytes);
    support::block_free(sent->base);
}

zmq::message_t hand_over(peer& to, void* start, std::size_t bytes, void* base) {
    auto* handed = new handed_over{base, bytes, to.unsent};
    to.unsent->add(bytes);
    to.large_kept += bytes;
    support::tsan_release(handed);
    return zmq::message_t(start, bytes, &free_memory, handed);
}

}  // namespace

void lane::reply_value(ledger_entry& entry, actors::output_buffer& payload) {
    auto& to = peer_of(entry);
    counters_.replies_sent.add();
    note_load(to, entry.pool);
    if (payload.size < hand_over_bytes_min) {
        const auto mark = wire::begin_reply(to.out, entry.call_id);
        to.out.append(payload.data, payload.size);
        wire::end_payload(to.out, mark);
        return count_envelope(to);
    }
    flush(to);  // answers leave in the order they were given
    // The envelope goes into the room in front of the payload, and the function's own memory is
    // the frame. What is to be told of the function's load finds room there, too.
    wire::frame_buffer head;
    tell_load_of(to, entry.pool, head);
    const auto mark = wire::begin_reply(head, entry.call_id);
    const std::size_t head_bytes = head.size;
    static_assert(load_bytes_max + reply_head_bytes_max <= actors::output_buffer::headroom);
    head.size += payload.size;
    wire::end_payload(head, mark);
    auto* base = payload.base();
    auto* start = payload.data - head_bytes;
    std::memcpy(start, head.data, head_bytes);
    const std::size_t frame_bytes = head_bytes + payload.size;
    payload.release();
    send_frame(to, hand_over(to, start, frame_bytes, base));
}

void lane::reply_error(peer& to, std::uint64_t call_id, const error& why, std::uint32_t losses) {
    counters_.failures_sent.add();
    wire::append(to.out, wire::failure{call_id, static_cast<std::int64_t>(why.code), why.detail,
                                       static_cast<std::uint64_t>(why.retry_after.count()),
                                       why.did_not_run, losses});
    count_envelope(to);
}

void lane::close(ledger_entry& entry) {
    auto& asker = *entry.asker;
    if (entry.via != nullptr) away_.detach(entry);
    if (entry.plays != ledger_entry::part::none) leave_window(entry);
    --asker.in_flight;
    if (entry.settled()) asker.settled.erase(entry);
    ledger_.close(entry);
    // A peer without anything else under way waits for just this answer: nothing could join it.
    if (asker.in_flight == 0 && asker.what == caller::kind::peer) flush(static_cast<peer&>(asker));
}

void lane::count_envelope(peer& to) {
    if (!to.dirty) {
        to.dirty = true;
        dirty_.push_back(&to);
    }
    ++to.out_envelopes;
    if (to.out_envelopes >= frame_envelopes_cut || to.out.size >= frame_bytes_cut) flush(to);
}

void lane::flush(peer& to) {
    if (to.out.empty()) return;
    if (!to.loads_due.empty()) tell_loads(to);
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

void lane::flush_large() {
    for (auto* each : dirty_) {
        if (each->out.size >= flush_bytes_min) flush(*each);
    }
}

void lane::flush_all() {
    // A slow peer's backlog goes first, so that its answers stay in order.
    for (auto* each : std::exchange(backlogged_, {})) send_backlog(*each);
    // Sending may find a peer unreachable, which puts it into the list once more: for removal.
    while (!dirty_.empty()) {
        std::erase_if(suspects_, [](peer* each) {
            if (each->gone) each->suspected = false;
            return each->gone;
        });
        for (auto* each : std::exchange(dirty_, {})) {
            each->dirty = false;
            if (each->gone)
                remove(*each, "unreachable or too slow");
            else
                flush(*each);
        }
    }
}

void lane::send_frame(peer& to, zmq::message_t frame) {
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

bool lane::try_send(peer& to, zmq::message_t& frame) {
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

void lane::send_backlog(peer& to) {
    while (!to.backlog.empty() && !to.gone) {
        const auto bytes = to.backlog.front().size();
        if (!try_send(to, to.backlog.front())) break;
        to.backlog.pop_front();
        left_backlog(to, bytes);
    }
    if (to.gone) return lose(to);
    if (!to.backlog.empty()) backlogged_.push_back(&to);
}

void lane::keep_in_backlog(peer& of, std::size_t bytes) {
    of.backlog_bytes += bytes;
    if (bytes >= hand_over_bytes_min) return;  // counts wherever it is
    of.backlog_small += bytes;
    if (of.connection != nullptr) of.connection->backlog_small += bytes;
    replies_.add(bytes);
}

void lane::left_backlog(peer& of, std::size_t bytes) {
    of.backlog_bytes -= bytes;
    if (bytes >= hand_over_bytes_min) return;
    forget_backlog(of, bytes);
}

void lane::forget_backlog(peer& of, std::size_t small_bytes) {
    of.backlog_small -= small_bytes;
    if (of.connection != nullptr) of.connection->backlog_small -= small_bytes;
    replies_.give_back(small_bytes);
}

void lane::lose(peer& unreachable) {
    counters_.answers_undeliverable.add();
    unreachable.gone = true;
    if (std::exchange(unreachable.dirty, true)) return;
    dirty_.push_back(&unreachable);
}

void lane::remove(peer& leaving, std::string_view why) {
    log().debug("peer gone",
                {{"name", leaving.name}, {"why", why}, {"calls_open", leaving.in_flight}});
    settle();
    // Nobody waits for its calls any more: they are withdrawn.
    for (auto* each : leaving.settled.take_all()) {
        auto& entry = *each;
        if (leave_to_repeats(entry)) continue;
        if (entry.plays != ledger_entry::part::none) leave_window(entry);
        const auto work = entry.keep;
        const auto index = entry.index;
        if (entry.via != nullptr) away_.withdraw(entry);
        ledger_.close(entry);
        actors::activation::stop(work, index, errc::cancelled);
    }
    // Most are in none of the lists, and thousands may go at once.
    if (leaving.dirty) std::erase(dirty_, &leaving);
    if (!leaving.backlog.empty()) std::erase(backlogged_, &leaving);
    if (leaving.suspected) std::erase(suspects_, &leaving);
    take_bulk(leaving);
    forget_backlog(leaving, leaving.backlog_small);
    detach(leaving);
    peers_.remove(leaving);
}

void lane::say_goaway(peer& to) {
    wire::append(to.out, wire::goaway{static_cast<std::int64_t>(errc::unavailable),
                                      "node " + options_.node_name + " is draining"});
    count_envelope(to);
}

}  // namespace dunlin::runtime
