// SPDX-License-Identifier: Apache-2.0
//
// Remembers calls, so that one that arrives again does not run again.
//
// A retry can cross the reply to its first copy, and a frame may be sent twice when a link breaks.
// Within the window, a call is known by origin, id, attempt and function: while it runs, a repeat
// can be attached to it; after that it gets the first reply, or is told that it ran when the reply
// was not kept. A running call is never forgotten before it is finished or withdrawn; a finished
// one not before `window_ns` is over, unless the window is full, and then the oldest first of the
// caller that has most by its weight (window_holders.hpp): what others have within their share
// stays. When all entries are running calls, or a caller with more than others has running ones
// only, its new ones are let through without protection. Both are counted. Kept replies give way
// likewise.
//
// Bounded in entries, in bytes of kept replies and in time; memory grows up to the bounds only,
// and for good. Pure: time is handed in. One owner, one thread.
#pragma once

#include "cluster/window_holders.hpp"

#include <dunlin/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
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
        std::uint32_t entries_max = 1u << 16;      // about 11 MiB
        std::size_t bytes_max = 32u << 20;         // of kept replies
        std::size_t reply_bytes_max = 256u << 10;  // a larger one is not kept
        std::int64_t window_ns = 30'000'000'000;   // after the end of a call
    };
    struct counts {
        std::uint64_t repeats = 0;          // found running or done
        std::uint64_t unprotected = 0;      // let through because none could give way to them
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
    /// Replies up to this size have room beside their call.
    static constexpr std::size_t small_bytes_max = 80;
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

    /// A call arrived, from that caller.
    [[nodiscard]] answer begin(const call_name& name, std::int64_t now_ns,
                               const window_share& from = {});
    /// It ended with this reply; repeats get it. Give memory of its own, not a slice of a frame
    /// that would be kept alive whole.
    void finish(place which, bytes reply, std::int64_t now_ns);
    /// The same with a reply of at most `small_bytes_max`, which is copied and costs no memory.
    void finish_small(place which, bytes_view reply, std::int64_t now_ns);
    /// It ended, and no repeat could make use of a reply.
    void finish(place which, std::int64_t now_ns);
    /// It ended with a reply that is too large to be copied for this.
    void finish_too_large(place which, std::int64_t now_ns);
    /// It was not run after all (refused, dropped before it began): a repeat may run.
    void withdraw(place which);
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
    /// Callers that have entries.
    [[nodiscard]] std::size_t callers() const noexcept { return holders_.size(); }

private:
    static constexpr std::uint32_t nil = nowhere;
    enum class state : std::uint8_t { free, running, finished };
    struct entry {
        call_name name;
        std::int64_t over_at_ns = 0;
        std::uint32_t reply_bytes = 0;
        state now = state::free;
        bool kept = false;
        bytes reply;  // unless it is small
        std::array<std::byte, small_bytes_max> small;
    };
    /// What a search looks at, apart so that it stays in the cache.
    struct link {
        std::uint32_t chain = nil;  // the next of the same bucket, or the next free one
        std::uint32_t hash = 0;
    };
    /// Whose it is, and where it stands among the finished ones in the order of their end: of all,
    /// and of the same caller. Apart for the same reason: each end and each drop is about two more.
    struct order {
        std::uint32_t older = nil;
        std::uint32_t newer = nil;
        std::uint32_t newer_of_holder = nil;
        window_holders::holder* holder = nullptr;
    };
    struct queue {
        std::uint32_t oldest = nil;
        std::uint32_t newest = nil;
        std::uint32_t size = 0;
    };

    static constexpr std::uint32_t chunk_bits = 8;
    static constexpr std::uint32_t chunk_size = 1u << chunk_bits;

    [[nodiscard]] std::uint32_t hash_of(const call_name& name) const noexcept;
    [[nodiscard]] std::uint32_t& bucket_of(std::uint32_t hash) noexcept {
        return buckets_[hash & (buckets_.size() - 1)];
    }
    [[nodiscard]] entry& at(std::uint32_t index) noexcept {
        return chunks_[index >> chunk_bits][index & (chunk_size - 1)];
    }
    [[nodiscard]] std::uint32_t find(const call_name& name, std::uint32_t hash) noexcept;
    /// Whether a running call is there.
    [[nodiscard]] bool runs(place which) noexcept {
        return which < links_.size() && at(which).now == state::running;
    }
    [[nodiscard]] std::uint32_t take(const window_holders::holder& for_whom);
    void grow_buckets();
    void release(std::uint32_t index) noexcept;
    void end(std::uint32_t index, std::int64_t now_ns);
    /// @pre it is the oldest of its holder.
    void drop_finished(std::uint32_t index) noexcept;
    void drop_reply(std::uint32_t index) noexcept;
    void keep_to_bytes() noexcept;
    void end_with(std::uint32_t index, std::size_t reply_bytes, std::int64_t now_ns);

    limits bounds_;
    std::uint64_t seed_;
    counts counted_;
    std::vector<std::unique_ptr<entry[]>> chunks_;  // so that entries never move
    std::vector<link> links_;                       // of each entry
    std::vector<order> orders_;                     // of each entry
    std::vector<std::uint32_t> buckets_;  // a power of two of them, at least as many as entries
    std::uint32_t free_ = nil;
    std::size_t used_ = 0;
    queue finished_;  // in the order of their end
    window_holders holders_;
    std::size_t bytes_held_ = 0;
};

}  // namespace dunlin::cluster
