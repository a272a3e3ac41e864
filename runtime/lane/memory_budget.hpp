// SPDX-License-Identifier: Apache-2.0
//
// How much memory a node has for calls, and what it holds of it: one limit for all.
//
// An invocation points into the frame it came in, so a queued call keeps its whole frame, payload
// and neighbours. Queues count calls; this counts what they weigh: frames with their places in
// queues and ledgers, from when they are read until the last of their bundles is gone; what ZeroMQ
// has received and lanes have not read; replies that are not read (reply_budget.hpp); and what
// actors hold (actors/memory_meter.hpp). Which calls are shed beyond that is decided in
// byte_shares.hpp, from these sums and what the caller holds.
// Each part is a counter of its own and the sum is made when it is asked for: lanes that count at
// the same time may see each other's last frames late, by some frames, which the last tenth of the
// budget has room for. One per node; all its lanes, and whichever threads let bundles go.
#pragma once

#include "actors/memory_meter.hpp"
#include "runtime/lane/byte_shares.hpp"
#include "runtime/lane/caller_bytes.hpp"
#include "runtime/lane/reply_budget.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dunlin::runtime {

/// Whose frame it is.
struct frame_owner {
    caller_bytes* account = nullptr;  // null: nobody has said hello
    std::uint32_t weight = 1;
    const unsent_frames* unsent = nullptr;  // of its connection; null: none
};

class memory_budget {
public:
    /// So many bytes may always be unread, however little `bytes_max` is: the largest frames of
    /// honest peers, while a lane is busy.
    explicit memory_budget(std::size_t bytes_max, std::size_t unread_min = 0) noexcept
        : shares_(bytes_max),
          unread_max_(std::max(bytes_max / 2, unread_min)) {}
    /// Before the node serves: replies count as well.
    void count(const reply_budget& replies) noexcept { replies_ = &replies; }

    /// Counts a frame, which has to be given back in any case.
    /// @returns whether its calls may be kept.
    [[nodiscard]] byte_shares::verdict take(std::size_t bytes, const frame_owner& of) noexcept {
        if (of.account != nullptr) of.account->add(bytes);
        return judge(bytes, bytes_frames_.fetch_add(bytes, std::memory_order_relaxed) + bytes, of);
    }
    /// A frame that is counted already has been found to be that caller's.
    [[nodiscard]] byte_shares::verdict assign(std::size_t bytes, const frame_owner& to) noexcept {
        if (to.account != nullptr) to.account->add(bytes);
        return judge(bytes, frames_held(), to);
    }
    /// A frame that is counted already takes more.
    void take_more(std::size_t bytes, caller_bytes* account) noexcept {
        bytes_frames_.fetch_add(bytes, std::memory_order_relaxed);
        if (account != nullptr) account->add(bytes);
    }
    void give_back(std::size_t bytes, caller_bytes* account) noexcept {
        bytes_frames_.fetch_sub(bytes, std::memory_order_relaxed);
        if (account != nullptr) account->give_back(bytes);
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
    [[nodiscard]] std::size_t worth_a_connection() const noexcept { return bytes_max() / 128; }

    /// Of all that is counted here.
    [[nodiscard]] std::size_t bytes_held() const noexcept {
        return kept(frames_held()) + bytes_unread();
    }
    [[nodiscard]] std::size_t frames_held() const noexcept {
        return bytes_frames_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t bytes_max() const noexcept { return shares_.bytes_max(); }
    [[nodiscard]] const actors::memory_meter& actor_memory() const noexcept {
        return actor_memory_;
    }
    [[nodiscard]] actors::memory_meter& actor_memory() noexcept { return actor_memory_; }
    [[nodiscard]] caller_accounts& accounts() noexcept { return accounts_; }

private:
    [[nodiscard]] std::size_t kept(std::size_t frames) const noexcept {
        return frames + actor_memory_.held() + (replies_ == nullptr ? 0 : replies_->bytes_held());
    }
    [[nodiscard]] byte_shares::verdict judge(std::size_t bytes, std::size_t frames,
                                             const frame_owner& of) const noexcept {
        const auto all = kept(frames);
        const auto unread = bytes_unread();
        if (shares_.plenty(all + unread)) return byte_shares::verdict::fits;
        // The largest frame alone is never too heavy.
        if (frames == bytes && bytes <= bytes_max()) return byte_shares::verdict::fits;
        const auto by_caller = (of.account == nullptr ? bytes : of.account->held()) +
                               (of.unsent == nullptr ? 0 : of.unsent->held());
        return shares_.judge({by_caller, of.weight, all, unread});
    }

    const byte_shares shares_;
    const std::size_t unread_max_;
    const reply_budget* replies_ = nullptr;
    std::atomic<std::size_t> bytes_frames_{0};
    std::atomic<std::size_t> bytes_unread_{0};
    actors::memory_meter actor_memory_;
    caller_accounts accounts_;
};

}  // namespace dunlin::runtime
