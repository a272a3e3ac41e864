// SPDX-License-Identifier: Apache-2.0
//
// What a rehearsal measures: activation-seconds, waits, starts, refusals, of all functions
// together, and by time for those of which a picture was asked for.
//
// Times are virtual and do not go backwards. One owner, one thread.
#pragma once

#include "support/log_histogram.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace dunlin::runtime::rehearsal {

/// A function's load, actors and waits over time, in slots of equal length.
class timeline {
public:
    struct slot {
        double actor_ns = 0;
        double busy_ns = 0;
        std::uint64_t calls = 0;
        std::int64_t wait_max_ns = 0;
    };

    timeline(std::int64_t length_ns, std::size_t slots)
        : slot_ns_(std::max<std::int64_t>(1, length_ns / static_cast<std::int64_t>(slots))),
          slots_(slots) {}

    [[nodiscard]] std::int64_t slot_ns() const noexcept { return slot_ns_; }
    [[nodiscard]] const std::vector<slot>& slots() const noexcept { return slots_; }

    void called(std::int64_t now_ns) noexcept { ++at(now_ns).calls; }
    void waited(std::int64_t now_ns, std::int64_t wait_ns) noexcept {
        auto& in = at(now_ns);
        in.wait_max_ns = std::max(in.wait_max_ns, wait_ns);
    }
    /// So many actors and busy ones from here on. What is behind the last slot is not kept.
    void actors_are(std::int64_t now_ns, std::size_t actors, std::size_t busy) noexcept {
        const auto end_ns = slot_ns_ * static_cast<std::int64_t>(slots_.size());
        while (since_ns_ < std::min(now_ns, end_ns)) {
            const auto until = std::min((since_ns_ / slot_ns_ + 1) * slot_ns_, now_ns);
            auto& in = at(since_ns_);
            in.actor_ns += static_cast<double>(actors_) * static_cast<double>(until - since_ns_);
            in.busy_ns += static_cast<double>(busy_) * static_cast<double>(until - since_ns_);
            since_ns_ = until;
        }
        actors_ = actors;
        busy_ = busy;
    }

private:
    [[nodiscard]] slot& at(std::int64_t now_ns) noexcept {
        return slots_[std::min(static_cast<std::size_t>(now_ns / slot_ns_), slots_.size() - 1)];
    }

    std::int64_t slot_ns_;
    std::vector<slot> slots_;
    std::int64_t since_ns_ = 0;
    std::size_t actors_ = 0;
    std::size_t busy_ = 0;
};

/// Of all functions together.
class tally {
public:
    void actors_changed(std::int64_t now_ns, std::int64_t by) noexcept {
        settle(now_ns);
        actors_ += by;
        actors_max_ = std::max(actors_max_, actors_);
        if (by > 0) starts_ += static_cast<std::uint64_t>(by);
    }
    void began(std::int64_t wait_ns, std::int64_t service_ns) noexcept {
        waits_.record(static_cast<std::uint64_t>(wait_ns));
        busy_ns_ += static_cast<double>(service_ns);
    }
    void refuse() noexcept { ++refused_; }
    /// Counts what exists up to now.
    void settle(std::int64_t now_ns) noexcept {
        actor_ns_ += static_cast<double>(actors_) * static_cast<double>(now_ns - since_ns_);
        since_ns_ = now_ns;
    }

    [[nodiscard]] double busy_seconds() const noexcept { return busy_ns_ / 1e9; }
    [[nodiscard]] double actor_seconds() const noexcept { return actor_ns_ / 1e9; }
    [[nodiscard]] const support::log_histogram& waits() const noexcept { return waits_; }
    [[nodiscard]] std::uint64_t starts() const noexcept { return starts_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    [[nodiscard]] std::int64_t actors_max() const noexcept { return actors_max_; }
    [[nodiscard]] std::int64_t now_ns() const noexcept { return since_ns_; }

private:
    double busy_ns_ = 0;
    double actor_ns_ = 0;
    support::log_histogram waits_;
    std::uint64_t starts_ = 0;
    std::uint64_t refused_ = 0;
    std::int64_t actors_ = 0;
    std::int64_t actors_max_ = 0;
    std::int64_t since_ns_ = 0;
};

}  // namespace dunlin::runtime::rehearsal
