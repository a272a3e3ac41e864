// SPDX-License-Identifier: Apache-2.0
//
// The transport connections that a lane's socket has accepted, by descriptor, and what each holds.
//
// ZeroMQ reads from every connection as fast as the network brings it and keeps what the lane has
// not taken; it keeps what a peer does not read as well. It bounds neither in bytes, ends no
// connection, and says nothing of peers that send no whole message. The kernel counts the bytes of
// each connection, and the lane those that it got and gave: the difference is what ZeroMQ and the
// kernel hold. With that the lane can tell whom to end, and finds the peer of a connection that
// ended without looking at all of them.
//
// Pure: no clock, no descriptor is touched. Owned by the lane; one thread.
#pragma once

#include "runtime/lane/reply_budget.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace dunlin::runtime {

struct peer;

/// What the kernel counts of a connection.
struct traffic {
    std::uint64_t received = 0;
    std::uint64_t acknowledged = 0;
    bool all_acknowledged = true;  // and nothing waits to be sent
};

struct accepted_connection {
    int fd = -1;
    /// The kernel's name for the connection, never given twice: descriptors are.
    std::uint64_t socket = 0;
    peer* speaker = nullptr;  // null: it has not said hello, or has said bye
    std::int64_t speechless_since_ns = 0;
    bool ended = false;  // by this node; ZeroMQ is about to notice

    // Since the connection was accepted, with the bytes that ZMTP puts in front of each.
    std::uint64_t frames_taken = 0;
    std::uint64_t bytes_taken = 0;
    std::uint64_t bytes_given = 0;
    /// Received, and not taken by the lane yet; as of the last look.
    std::size_t unread = 0;
    /// Taken by the lane, and not begun yet.
    std::size_t put_off = 0;
    /// Given in frames that are too small to be counted one by one, and not acknowledged.
    std::size_t unsent_small = 0;
    /// In small frames in the lane's own queue for its speaker.
    std::size_t backlog_small = 0;
    /// What the reply budget was told to expect back when it was ended.
    std::size_t leaving = 0;
    /// In large frames that are not written yet, in ZeroMQ's hands or the lane's. Outlives bye and
    /// hello.
    std::shared_ptr<unsent_frames> unsent;

    // Of the last look.
    traffic seen;
    std::uint64_t frames_seen = 0;
    std::uint64_t bytes_taken_seen = 0;
    std::uint64_t empty_looks_seen = 0;
};

class connection_table {
public:
    using look = std::function<bool(const accepted_connection&, traffic&)>;
    using visit = std::function<void(accepted_connection&)>;

    explicit connection_table(reply_budget& replies) : replies_(replies) {}
    ~connection_table();
    connection_table(const connection_table&) = delete;
    connection_table& operator=(const connection_table&) = delete;

    /// @returns it; one under the same descriptor must have been closed before.
    accepted_connection& accepted(int fd, std::uint64_t socket, std::int64_t now_ns);
    void closed(accepted_connection& gone);
    [[nodiscard]] accepted_connection* find(int fd) noexcept;
    /// From now on its frames are this peer's; null: nobody's.
    void spoken_for(accepted_connection& by, peer* speaker, std::int64_t now_ns);

    /// The lane has taken a frame from it, or given one to it.
    /// @returns whether less is unread by it.
    bool took(accepted_connection& from, std::size_t frame_bytes) noexcept;
    /// The lane reads a frame of it later; until then it counts as unread.
    void put_off(accepted_connection& from, std::size_t bytes) noexcept;
    void begun(accepted_connection& from, std::size_t bytes) noexcept;
    static void gave(accepted_connection& to, std::size_t frame_bytes) noexcept {
        to.bytes_given += frame_bytes + head_bytes(frame_bytes);
    }
    /// Everything that ZeroMQ had for the lane has been taken.
    void saw_nothing() noexcept {
        ++empty_looks_;
        orphaned_ = 0;
    }

    /// Looks at the next `count` connections, in turn. @returns whether much has moved on one.
    bool sweep(std::size_t count, const look& traffic_of);
    /// Visits those that have had no speaker since before `since_ns`, each once.
    void speechless(std::int64_t since_ns, const visit& each);
    /// Of those that are not ended; null: there is none.
    [[nodiscard]] accepted_connection* most_unread();
    [[nodiscard]] accepted_connection* most_unsent();
    void for_each(const visit& each);

    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    [[nodiscard]] std::size_t without_speaker() const noexcept { return speechless_; }
    [[nodiscard]] std::size_t unread() const noexcept { return unread_ + put_off_ + orphaned_; }
    [[nodiscard]] static std::size_t unread_of(const accepted_connection& which) noexcept {
        return which.unread + which.put_off;
    }
    /// Bytes that the peer has not read, wherever they stand.
    [[nodiscard]] static std::size_t unsent_of(const accepted_connection& which) noexcept;

private:
    [[nodiscard]] static std::size_t head_bytes(std::size_t frame_bytes) noexcept {
        return frame_bytes <= 255 ? 2 : 9;
    }
    void set_unread(accepted_connection& of, std::size_t bytes) noexcept;
    void set_unsent_small(accepted_connection& of, std::size_t bytes) noexcept;
    void look_at(accepted_connection& at, const traffic& now);

    struct waiting {
        int fd;
        std::uint64_t socket;
        std::int64_t since_ns;
    };

    reply_budget& replies_;
    std::unordered_map<int, std::unique_ptr<accepted_connection>> all_;
    std::deque<waiting> waiting_;  // by time; some have spoken, or gone
    std::vector<int> order_;       // of the sweep under way
    std::size_t unread_ = 0;
    std::size_t put_off_ = 0;
    std::size_t orphaned_ = 0;  // unread, of connections that have ended
    std::size_t speechless_ = 0;
    std::uint64_t empty_looks_ = 0;
};

}  // namespace dunlin::runtime
