// SPDX-License-Identifier: Apache-2.0
//
// What a node may do now with a key of a store that it shares with others.
//
// `owner_keeper` decides and writes it down here, by partition; who has a turn at a key looks.
// What depends on a lease depends on the clock too, so a node that was stopped for a while finds
// its rights gone when it goes on. A look is two loads and the clock. Any thread.
#pragma once

#include "cluster/rendezvous.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace dunlin::actors {

enum class key_right : std::uint8_t {
    wait,     // others may own it still, or nobody knows: it has no turns for now
    own,      // it is this node's alone, as long as the lease is good
    rival,    // others may think that they own it: it is read from the store before each turn
    leaving,  // it is being given up: what has begun ends
    foreign,  // it is another node's
};

/// Of all spaces of a node: until when, and since when.
class node_lease {
public:
    using steady_clock_ns = std::int64_t (*)() noexcept;
    explicit node_lease(steady_clock_ns clock) noexcept : clock_(clock) {}

    [[nodiscard]] std::int64_t now_ns() const noexcept { return clock_(); }
    [[nodiscard]] std::int64_t alone_until_ns() const noexcept {
        return alone_until_ns_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::int64_t rival_until_ns() const noexcept {
        return rival_until_ns_.load(std::memory_order_acquire);
    }
    [[nodiscard]] bool is_over() const noexcept {
        const auto now = now_ns();
        return now >= alone_until_ns() && now >= rival_until_ns();
    }
    /// Values that were read in another epoch may be old. Never 0.
    [[nodiscard]] std::uint32_t epoch() const noexcept {
        return epoch_.load(std::memory_order_acquire);
    }
    /// The epoch first: who sees the new time sees it, too.
    void set(std::uint32_t epoch, std::int64_t alone_until_ns,
             std::int64_t rival_until_ns) noexcept {
        epoch_.store(epoch, std::memory_order_release);
        alone_until_ns_.store(alone_until_ns, std::memory_order_release);
        rival_until_ns_.store(rival_until_ns, std::memory_order_release);
    }

    /// Grows whenever rights are decided anew.
    [[nodiscard]] std::uint32_t decisions() const noexcept {
        return decisions_.load(std::memory_order_acquire);
    }
    void decides() noexcept { decisions_.fetch_add(1, std::memory_order_acq_rel); }

    /// Before the first look: called when somebody waits for a right, once until `take_waits`.
    void on_wait(std::function<void()> wake) { wake_ = std::move(wake); }
    void note_wait() const {
        if (!waits_.exchange(true, std::memory_order_acq_rel) && wake_) wake_();
    }
    [[nodiscard]] bool take_waits() noexcept {
        return waits_.exchange(false, std::memory_order_acq_rel);
    }

private:
    const steady_clock_ns clock_;
    std::atomic<std::uint32_t> epoch_{1};
    std::atomic<std::uint32_t> decisions_{0};
    std::atomic<std::int64_t> alone_until_ns_{0};
    std::atomic<std::int64_t> rival_until_ns_{0};
    mutable std::atomic<bool> waits_{false};
    std::function<void()> wake_;
};

/// Of one space.
class key_rights {
public:
    explicit key_rights(std::shared_ptr<node_lease> lease) : lease_(std::move(lease)) {}

    [[nodiscard]] node_lease& lease() const noexcept { return *lease_; }
    /// As it was decided last, whether the lease is good or not.
    [[nodiscard]] key_right decided(std::uint16_t partition) const noexcept {
        return static_cast<key_right>(rights_[partition].load(std::memory_order_acquire));
    }
    [[nodiscard]] key_right of(std::uint16_t partition, std::int64_t now_ns) const noexcept {
        const auto right = decided(partition);
        const bool over = (right == key_right::own && now_ns >= lease_->alone_until_ns()) ||
                          (right == key_right::rival && now_ns >= lease_->rival_until_ns());
        return over ? key_right::wait : right;
    }
    /// Whether what has been written under that key is everybody's truth from now on. If the lease
    /// was over in between nobody has written since, or the store would not have taken it, and
    /// nobody else answers from what was there before.
    [[nodiscard]] bool still(std::uint16_t partition, std::int64_t now_ns) const noexcept {
        const auto right = decided(partition);
        if (right == key_right::rival) return now_ns < lease_->rival_until_ns();
        const bool alone = right == key_right::own || right == key_right::leaving;
        return alone && now_ns < lease_->alone_until_ns();
    }
    void set(std::uint32_t partition, key_right to) noexcept {
        rights_[partition].store(static_cast<std::uint8_t>(to), std::memory_order_release);
    }

private:
    const std::shared_ptr<node_lease> lease_;
    std::array<std::atomic<std::uint8_t>, cluster::partition_count> rights_{};
};

}  // namespace dunlin::actors
