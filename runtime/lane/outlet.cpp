// SPDX-License-Identifier: Apache-2.0
//
// The outward half of a lane: from answers to frames on the socket.
#include "runtime/lane/lane.hpp"
#include "runtime/log.hpp"
#include "support/tsan.hpp"

#include <poll.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
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

/// A frame whose memory belongs to ZeroMQ until it is written.
struct handed_over {
    void* base;
    std::size_t bytes;
    std::shared_ptr<std::atomic<std::size_t>> unsent_bytes;
};

void free_memory(void* /*data*/, void* hint) {
    support::tsan_acquire(hint);
    const std::unique_ptr<handed_over> sent(static_cast<handed_over*>(hint));
    sent->unsent_bytes->fetch_sub(sent->bytes, std::memory_order_relaxed);
    support::block_free(sent->base);
}

zmq::message_t hand_over(peer& to, void* start, std::size_t bytes, void* base) {
    auto* handed = new handed_over{base, bytes, to.unsent_bytes};
    support::tsan_release(handed);
    return zmq::message_t(start, bytes, &free_memory, handed);
}

}  // namespace

void lane::reply_value(ledger_entry& entry, actors::output_buffer& payload) {
    auto& to = *entry.asker;
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

void lane::reply_error(peer& to, std::uint64_t call_id, const error& why) {
    counters_.failures_sent.add();
    wire::append(to.out, wire::failure{call_id, static_cast<std::int64_t>(why.code), why.detail,
                                       static_cast<std::uint64_t>(why.retry_after.count()),
                                       why.did_not_run});
    count_envelope(to);
}

void lane::close(ledger_entry& entry) {
    auto& asker = *entry.asker;
    if (entry.via != nullptr) forwarder_.detach(entry);
    if (entry.plays != ledger_entry::part::none) leave_window(entry);
    --asker.in_flight;
    if (entry.settled()) {
        const auto found = asker.settled.find(entry.call_id);
        if (found != asker.settled.end() && found->second == entry.slot) asker.settled.erase(found);
    }
    ledger_.close(entry);
    // A peer without anything else under way waits for just this answer: nothing could join it.
    if (asker.in_flight == 0) flush(asker);
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
    if (to.backlog.empty() && try_send(to, frame)) return;
    if (to.gone) return lose(to);
    to.backlog_bytes += frame.size();
    if (to.backlog_bytes > options_.backlog_bytes_max) {
        log().warn("peer reads too slowly, dropped name={} backlog_bytes={}", to.name,
                   to.backlog_bytes);
        counters_.peers_slow_dropped.add();
        return lose(to);
    }
    if (to.backlog.empty()) backlogged_.push_back(&to);
    to.backlog.push_back(std::move(frame));
}

bool lane::try_send(peer& to, zmq::message_t& frame) {
    const auto bytes = frame.size();
    const bool counted = bytes >= hand_over_bytes_min;
    if (counted && to.unsent_bytes->load(std::memory_order_relaxed) > unsent_bytes_max)
        return false;
    unheard_ = true;
    zmq::message_t routing_id(to.routing_id.data(), to.routing_id.size());
    constexpr int first_part = ZMQ_SNDMORE | ZMQ_DONTWAIT;
    if (zmq_msg_send(routing_id.handle(), socket_.handle(), first_part) < 0) {
        if (errno == EAGAIN) return false;
        to.gone = true;
        return false;
    }
    if (counted) to.unsent_bytes->fetch_add(bytes, std::memory_order_relaxed);
    // Once the first part is taken, the second is as well.
    if (zmq_msg_send(frame.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) throw zmq::error_t();
    counters_.frames_sent.add();
    return true;
}

void lane::send_backlog(peer& to) {
    while (!to.backlog.empty() && !to.gone) {
        const auto bytes = to.backlog.front().size();
        if (!try_send(to, to.backlog.front())) break;
        to.backlog.pop_front();
        to.backlog_bytes -= bytes;
    }
    if (to.gone) return lose(to);
    if (!to.backlog.empty()) backlogged_.push_back(&to);
}

void lane::lose(peer& unreachable) {
    counters_.answers_undeliverable.add();
    unreachable.gone = true;
    if (std::exchange(unreachable.dirty, true)) return;
    dirty_.push_back(&unreachable);
}

void lane::remove(peer& leaving, std::string_view why) {
    log().debug("peer gone name={} why={} calls_open={}", leaving.name, why, leaving.in_flight);
    settle();
    // Nobody waits for its calls any more: they are withdrawn.
    for (const auto& [call_id, slot] : std::exchange(leaving.settled, {})) {
        auto& entry = ledger_.at(slot);
        if (leave_to_repeats(entry)) continue;
        if (entry.plays != ledger_entry::part::none) leave_window(entry);
        const auto work = entry.keep;
        const auto index = entry.index;
        if (entry.via != nullptr) forwarder_.withdraw(entry);
        ledger_.close(entry);
        actors::activation::stop(work, index, errc::cancelled);
    }
    std::erase(dirty_, &leaving);
    std::erase(backlogged_, &leaving);
    std::erase(suspects_, &leaving);
    peers_.remove(leaving);
}

void lane::read_monitor() {
    zmq::message_t event;
    while (monitor_.recv(event, zmq::recv_flags::dontwait)) {
        std::uint16_t what = 0;
        std::int32_t fd = -1;
        if (event.size() >= sizeof what + sizeof fd) {
            std::memcpy(&what, event.data(), sizeof what);
            std::memcpy(&fd, static_cast<const char*>(event.data()) + sizeof what, sizeof fd);
        }
        zmq::message_t endpoint;
        [[maybe_unused]] const auto parts = monitor_.recv(endpoint, zmq::recv_flags::dontwait);
        if (what != ZMQ_EVENT_DISCONNECTED) {
            counters_.handshakes_failed.add();
            continue;
        }
        peers_.for_each([&](peer& each) {
            if (each.fd == fd) suspect(each);
        });
    }
}

// The descriptor of the event may belong to a newer connection by now, so pings decide: they
// cannot be addressed to a peer whose connection is gone. ZeroMQ tells of the end before it has
// finished taking the connection down, which needs turns of this thread too; until then a ping is
// swallowed, and another has to follow. A pong ends the suspicion.
void lane::suspect(peer& disconnected) {
    constexpr std::uint8_t probes = 10;  // over a second, as the pauses double
    if (std::exchange(disconnected.probes_left, probes) == 0) suspects_.push_back(&disconnected);
    disconnected.probe_ns = now_ns_;
}

void lane::probe_suspects() {
    if (suspects_.empty()) return;
    constexpr std::int64_t pause_ns = 1'000'000;
    for (auto* each : suspects_) {
        if (each->probes_left == 0 || each->probe_ns > now_ns_) continue;
        --each->probes_left;
        each->probe_ns = now_ns_ + (pause_ns << (9 - each->probes_left));
        wire::append(each->out, wire::ping{0});
        count_envelope(*each);
    }
    std::erase_if(suspects_, [](const peer* each) { return each->probes_left == 0; });
}

// What a peer has received but not read yet is lost when the connection ends under it. So every
// peer is asked to show that it has read its last answers, and is waited for a little.
void lane::say_farewell() {
    constexpr std::int64_t wait_ns_max = 500'000'000;
    peers_.for_each([this](peer& each) {
        each.farewell_due = true;
        wire::append(each.out, wire::ping{farewell_token});
        count_envelope(each);
    });
    flush_all();
    const auto end_ns = time_.now_ns() + wait_ns_max;
    for (;;) {
        // No more than some at a time: a peer that goes on sending must not keep the lane.
        constexpr int frames_per_look = 64;
        for (int frames = 0; frames < frames_per_look && receive();) ++frames;
        if (ledger_.open_count() != 0) cut_short_all();
        now_ns_ = time_.now_ns();
        read_monitor();
        probe_suspects();
        flush_all();
        bool due = false;
        peers_.for_each([&](const peer& each) { due = due || each.farewell_due; });
        const auto left_ns = end_ns - now_ns_;
        if (!due || left_ns <= 0) return;
        if (has_news()) continue;
        pollfd item{socket_.get(zmq::sockopt::fd), POLLIN, 0};
        constexpr std::int64_t slice_ms = 20;  // a peer that is gone is found by sending to it
        ::poll(&item, 1, static_cast<int>(std::min(slice_ms, left_ns / 1'000'000 + 1)));
    }
}

}  // namespace dunlin::runtime
