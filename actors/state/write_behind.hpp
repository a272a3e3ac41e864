// SPDX-License-Identifier: Apache-2.0
//
// When changes that nobody waits for are written, and when their replies wait after all.
//
// Functions of relaxed spaces are answered at once. What they change waits a while, so that one
// write takes along what changes next; and it is written by half the time that a crash of the node
// may cost, so that the other half is left for the write. When the store is slow or fails, changes
// stay in memory and are tried again; but beyond the bound, in time or in bytes, replies wait for
// the store as those of durable spaces do: what a crash can cost does not grow.
//
// Pure: times, on one steady clock in nanoseconds, are handed in. Guarded by its owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace dunlin::actors {

class write_behind {
public:
    struct limits {
        /// What a crash of the node may cost at most: the changes of this time ...
        std::int64_t delay_ns_max = 1'000'000'000;
        /// ... or so many bytes of changed values, whichever is less.
        std::size_t bytes_max = std::size_t{16} << 20;
    };
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    /// After the store has failed.
    static constexpr std::int64_t retry_ns = 100'000'000;

    explicit write_behind(limits how) noexcept : limits_(how) {}

    /// A key has changed of which nothing waited. @param bytes of it and its value
    void changed(std::size_t bytes, std::int64_t now_ns) noexcept {
        oldest_ns_ = std::min(oldest_ns_, now_ns);
        bytes_ += bytes;
    }
    /// Somebody waits for what waits.
    void hurry() noexcept { hurried_ = true; }
    /// When what waits is to be written; `never` when nothing does.
    [[nodiscard]] std::int64_t due_ns() const noexcept {
        if (oldest_ns_ == never) return never;
        const bool at_once = hurried_ || bytes_ >= limits_.bytes_max / 2;
        return std::max(at_once ? oldest_ns_ : oldest_ns_ + limits_.delay_ns_max / 2,
                        not_before_ns_);
    }
    /// All that waits is being written.
    void begins() noexcept {
        writing_ns_ = oldest_ns_;
        writing_bytes_ = bytes_;
        oldest_ns_ = never;
        bytes_ = 0;
        hurried_ = false;
    }
    /// That has ended; what the store has not taken has `changed` again since. @param failed so
    void ended(bool failed, std::int64_t now_ns) noexcept {
        if (failed && oldest_ns_ != never) oldest_ns_ = std::min(oldest_ns_, writing_ns_);
        not_before_ns_ = failed ? now_ns + retry_ns : 0;
        writing_ns_ = never;
        writing_bytes_ = 0;
    }

    /// From then on replies wait for the store.
    [[nodiscard]] std::int64_t gate_from_ns() const noexcept {
        if (bytes_ + writing_bytes_ >= limits_.bytes_max) return 0;
        const auto oldest_ns = std::min(oldest_ns_, writing_ns_);
        return oldest_ns == never ? never : oldest_ns + limits_.delay_ns_max;
    }

private:
    const limits limits_;
    std::int64_t oldest_ns_ = never;   // the first change of what waits
    std::int64_t writing_ns_ = never;  // ... of what is being written
    std::int64_t not_before_ns_ = 0;
    std::size_t bytes_ = 0;
    std::size_t writing_bytes_ = 0;
    bool hurried_ = false;
};

}  // namespace dunlin::actors
