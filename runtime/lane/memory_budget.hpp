// SPDX-License-Identifier: Apache-2.0
//
// How many bytes of received frames a node keeps for calls that are not answered yet.
//
// An invocation points into the frame it came in, so a queued call keeps its whole frame, payload
// and neighbours. Queues count calls; this counts what they weigh. A frame is counted from when
// it is read until the last of its bundles is gone; calls in one that does not fit are shed.
// One per node, used by all its lanes and by whichever threads let bundles go.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace dunlin::runtime {

class frame_budget {
public:
    /// So many bytes may always be unread, however little `bytes_max` is: the largest frames of
    /// honest peers, while a lane is busy.
    explicit frame_budget(std::size_t bytes_max, std::size_t unread_min = 0) noexcept
        : bytes_max_(bytes_max),
          unread_max_(std::max(bytes_max / 2, unread_min)) {}

    /// Counts a frame, which has to be given back in any case.
    /// @returns whether it fits beside those that are held.
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        const auto held = bytes_held_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
        return held + bytes_unread() <= bytes_max_;
    }
    void give_back(std::size_t bytes) noexcept {
        bytes_held_.fetch_sub(bytes, std::memory_order_relaxed);
    }

    /// What ZeroMQ has received and lanes have not read counts as well, so that a lane that falls
    /// behind sheds until it has caught up. One lane's share changes.
    void unread_changed(std::size_t before, std::size_t now) noexcept {
        bytes_unread_.fetch_add(now - before, std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t bytes_unread() const noexcept {
        return bytes_unread_.load(std::memory_order_relaxed);
    }
    /// Beyond this connections have to go; `leaving` belongs to some that are on their way.
    [[nodiscard]] bool unread_too_much(std::size_t leaving) const noexcept {
        return bytes_unread() > unread_max_ + leaving;
    }
    /// Less than this is not worth a connection: there are others, on another lane perhaps.
    [[nodiscard]] std::size_t worth_a_connection() const noexcept { return bytes_max_ / 128; }

    [[nodiscard]] std::size_t bytes_held() const noexcept {
        return bytes_held_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t bytes_max() const noexcept { return bytes_max_; }

private:
    const std::size_t bytes_max_;
    const std::size_t unread_max_;
    std::atomic<std::size_t> bytes_held_{0};
    std::atomic<std::size_t> bytes_unread_{0};
};

}  // namespace dunlin::runtime
