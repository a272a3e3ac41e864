// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/connection_table.hpp"

#include <algorithm>

namespace dunlin::runtime {

connection_table::~connection_table() {
    for (const auto& [fd, each] : all_) {
        set_unsent_small(*each, 0);
        replies_.left(each->leaving);
    }
}

accepted_connection& connection_table::accepted(int fd, std::uint64_t socket, std::int64_t now_ns) {
    auto& added = all_[fd];
    added = std::make_unique<accepted_connection>();
    added->fd = fd;
    added->socket = socket;
    added->speechless_since_ns = now_ns;
    added->unsent = std::make_shared<unsent_frames>(replies_);
    added->empty_looks_seen = empty_looks_;
    ++speechless_;
    waiting_.push_back({fd, socket, now_ns});
    return *added;
}

void connection_table::closed(accepted_connection& gone) {
    orphaned_ += gone.unread;
    put_off_ -= gone.put_off;
    set_unread(gone, 0);
    set_unsent_small(gone, 0);
    replies_.left(gone.leaving);
    if (gone.speaker == nullptr) --speechless_;
    all_.erase(gone.fd);
}

accepted_connection* connection_table::find(int fd) noexcept {
    const auto found = all_.find(fd);
    return found == all_.end() ? nullptr : found->second.get();
}

void connection_table::spoken_for(accepted_connection& by, peer* speaker, std::int64_t now_ns) {
    const bool before = by.speaker != nullptr;
    by.speaker = speaker;
    if (before == (speaker != nullptr)) return;
    if (speaker != nullptr) {
        --speechless_;
        return;
    }
    ++speechless_;
    by.speechless_since_ns = now_ns;
    waiting_.push_back({by.fd, by.socket, now_ns});
}

bool connection_table::took(accepted_connection& from, std::size_t frame_bytes) noexcept {
    const auto bytes = frame_bytes + head_bytes(frame_bytes);
    ++from.frames_taken;
    from.bytes_taken += bytes;
    // What is known to be unread shrinks at once, so that calls are not refused for its sake.
    if (from.unread == 0) return false;
    const auto taken = std::min(from.unread, bytes);
    set_unread(from, from.unread - taken);
    from.bytes_taken_seen += taken;
    return true;
}

void connection_table::put_off(accepted_connection& from, std::size_t bytes) noexcept {
    from.put_off += bytes;
    put_off_ += bytes;
}

void connection_table::begun(accepted_connection& from, std::size_t bytes) noexcept {
    from.put_off -= bytes;
    put_off_ -= bytes;
}

bool connection_table::sweep(std::size_t count, const look& traffic_of) {
    constexpr std::uint64_t much = 64 * 1024;
    bool moved = false;
    for (; count > 0; --count) {
        if (order_.empty()) {
            if (all_.empty()) return moved;
            // A look at each, before one is looked at again.
            for (const auto& [fd, each] : all_) order_.push_back(fd);
        }
        auto* at = find(order_.back());
        order_.pop_back();
        traffic now;
        if (at != nullptr && traffic_of(*at, now)) {
            moved = moved || now.received - at->seen.received > much || at->unread > much;
            look_at(*at, now);
        }
        if (order_.empty()) break;
    }
    return moved;
}

void connection_table::look_at(accepted_connection& at, const traffic& now) {
    const auto received = now.received - at.seen.received;
    const auto taken = at.bytes_taken - at.bytes_taken_seen;
    std::size_t unread = at.unread + received;
    unread -= std::min<std::size_t>(unread, taken);
    // The lane has found nothing more since the last look, and frames of this connection came until
    // then: all that was whole at that look has been taken. It puts right what pings and handshakes
    // add to the count; parts of a message without an end bring no frame, so they stay counted.
    if (at.empty_looks_seen != empty_looks_ && at.frames_seen != at.frames_taken)
        unread = std::min<std::size_t>(unread, received);
    set_unread(at, unread);
    std::size_t unsent = 0;
    if (!now.all_acknowledged && at.bytes_given > now.acknowledged) {
        const auto unacknowledged = at.bytes_given - now.acknowledged;
        unsent = unacknowledged - std::min<std::size_t>(unacknowledged, at.unsent->held());
    }
    set_unsent_small(at, unsent);
    // What was acknowledged beyond the frames, handshakes and pongs, is not to hide frames later.
    if (now.all_acknowledged) at.bytes_given = now.acknowledged;
    at.seen = now;
    at.frames_seen = at.frames_taken;
    at.bytes_taken_seen = at.bytes_taken;
    at.empty_looks_seen = empty_looks_;
}

void connection_table::speechless(std::int64_t since_ns, const visit& each) {
    while (!waiting_.empty() && waiting_.front().since_ns <= since_ns) {
        const auto due = waiting_.front();
        waiting_.pop_front();
        auto* at = find(due.fd);
        if (at != nullptr && at->socket == due.socket && at->speaker == nullptr && !at->ended &&
            at->speechless_since_ns == due.since_ns)
            each(*at);
    }
}

accepted_connection* connection_table::most_unread() {
    accepted_connection* most = nullptr;
    for (const auto& [fd, each] : all_)
        if (!each->ended && (most == nullptr || unread_of(*each) > unread_of(*most)))
            most = each.get();
    return most;
}

accepted_connection* connection_table::most_unsent() {
    accepted_connection* most = nullptr;
    for (const auto& [fd, each] : all_)
        if (!each->ended && (most == nullptr || unsent_of(*each) > unsent_of(*most)))
            most = each.get();
    return most;
}

void connection_table::for_each(const visit& each) {
    for (const auto& [fd, at] : all_) each(*at);
}

std::size_t connection_table::unsent_of(const accepted_connection& which) noexcept {
    return which.unsent->held() + which.unsent_small + which.backlog_small;
}

void connection_table::set_unread(accepted_connection& of, std::size_t bytes) noexcept {
    unread_ = unread_ - of.unread + bytes;
    of.unread = bytes;
}

void connection_table::set_unsent_small(accepted_connection& of, std::size_t bytes) noexcept {
    if (bytes > of.unsent_small)
        replies_.add(bytes - of.unsent_small);
    else
        replies_.give_back(of.unsent_small - bytes);
    of.unsent_small = bytes;
}

}  // namespace dunlin::runtime
