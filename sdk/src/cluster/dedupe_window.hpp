// SPDX-License-Identifier: Apache-2.0
//
// Remembers calls, so that one that arrives again does not run again.
//
// A retry can cross the reply to its first copy, and a frame may be sent twice when a link breaks.
// Within the window, a call is known by origin, id, attempt and function: while it runs, a repeat
// can be attached to it; after that it gets the first reply, or is told that it ran when the reply
// was not kept. A running call is never forgotten before it is finished or withdrawn; a finished
// one not before `window_ns` is over, unless the window is full, and then the oldest first. When
// all entries are running calls, new ones are let through without protection. Both are counted.
//
// Bounded in entries, in bytes of kept replies and in time; memory grows up to the bounds only,
// and for good. Pure: time is handed in. One owner, one thread.
#pragma once

#include <dunlin/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::cluster {

struct call_name {
    std::uint64_t origin = 0;  // instance of the client or node that made it
    std::uint64_t id = 0;
    std::uint32_t attempt = 0;
    std::uint32_t function = 0;  // a hash: callers that mix up their ids get no foreign reply
    friend bool operator==(const call_name&, const call_name&) = default;
};

class dedupe_window {
public:
    struct limits {
        std::uint32_t entries_max = 1u << 16;      // about 6 MiB
        std::size_t bytes_max = 32u << 20;         // of kept replies
        std::size_t reply_bytes_max = 256u << 10;  // a larger one is not kept
        std::int64_t window_ns = 30'000'000'000;   // after the end of a call
    };
    struct counts {
        std::uint64_t repeats = 0;          // found running or done
        std::uint64_t unprotected = 0;      // let through because all entries were running calls
        std::uint64_t evicted_early = 0;    // finished calls forgotten before their time
        std::uint64_t replies_dropped = 0;  // not kept, or dropped early, to keep to the bytes
    };
    enum class verdict : std::uint8_t {
        fresh,        // run it, then `finish` or `withdraw` its place
        unprotected,  // run it; it has no place
        running,      // do not run it: attach it to the call at that place
        done,         // do not run it: send `reply`
        ran,          // do not run it: it ran, and its reply was not kept
    };
    /// A running call has a place from `begin` to `finish` or `withdraw`.
    using place = std::uint32_t;
    static constexpr place nowhere = 0xffff'ffffu;
    struct answer {
        verdict what = verdict::fresh;
        place at = nowhere;
        bytes reply;
    };

    dedupe_window() : dedupe_window(limits{}) {}
    /// The seed, random in a node, keeps callers from choosing ids that collide.
    explicit dedupe_window(const limits& bounds, std::uint64_t seed = 0);

    /// A call arrived.
    [[nodiscard]] answer begin(const call_name& name, std::int64_t now_ns);
    /// It ended with this reply; repeats get it. Give memory of its own, not a slice of a frame
    /// that would be kept alive whole.
    void finish(place at, bytes reply, std::int64_t now_ns);
    /// It ended, and no repeat could make use of a reply.
    void finish(place at, std::int64_t now_ns);
    /// It ended with a reply that is too large to be copied for this.
    void finish_too_large(place at, std::int64_t now_ns);
    /// It was not run after all (refused, dropped before it began): a repeat may run.
    void withdraw(place at);
    /// Whether a reply of that size is kept at all.
    [[nodiscard]] bool keeps(std::size_t reply_bytes) const noexcept {
        return reply_bytes <= bounds_.reply_bytes_max && reply_bytes <= bounds_.bytes_max;
    }
    /// Forgets what is over; `begin` does as well.
    void expire(std::int64_t now_ns);

    [[nodiscard]] std::size_t size() const noexcept { return used_; }
    [[nodiscard]] std::size_t running() const noexcept { return used_ - finished_.size; }
    /// Of kept replies.
    [[nodiscard]] std::size_t bytes_held() const noexcept { return bytes_held_; }
    [[nodiscard]] const counts& counted() const noexcept { return counted_; }

private:
    static constexpr std::uint32_t nil = nowhere;
    enum class state : std::uint8_t { free, running, finished };
    struct entry {
        call_name name;
        state now = state::free;
        bool kept = false;
        std::uint32_t chain = nil;  // the next of the same bucket, or the next free one
        std::uint32_t newer = nil;  // the next finished one
        std::int64_t over_at_ns = 0;
        bytes reply;
    };
    struct queue {
        std::uint32_t oldest = nil;
        std::uint32_t newest = nil;
        std::uint32_t size = 0;
    };

    [[nodiscard]] std::uint32_t& bucket_of(const call_name& name) noexcept;
    [[nodiscard]] std::uint32_t find(const call_name& name) noexcept;
    [[nodiscard]] bool runs(place at) const noexcept {
        return at < entries_.size() && entries_[at].now == state::running;
    }
    [[nodiscard]] std::uint32_t take();
    void grow_buckets();
    void release(std::uint32_t index) noexcept;
    void end(std::uint32_t index, std::int64_t now_ns);
    void drop_oldest() noexcept;
    void drop_reply(entry& it) noexcept;
    void keep_to_bytes() noexcept;

    limits bounds_;
    std::uint64_t seed_;
    counts counted_;
    std::vector<entry> entries_;
    std::vector<std::uint32_t> buckets_;  // a power of two of them, at least as many as entries
    std::uint32_t free_ = nil;
    std::size_t used_ = 0;
    queue finished_;                   // in the order of their end
    std::uint32_t oldest_kept_ = nil;  // no finished one before it has its reply
    std::size_t bytes_held_ = 0;
};

}  // namespace dunlin::cluster
