// SPDX-License-Identifier: Apache-2.0
//
// How long answers of far members take, so that a probe waits as long as its target is away.
//
// Smoothed round trip and variation as in RFC 6298 (Paxson, Allman, Chu, Sargent: "Computing TCP's
// Retransmission Timer", 2011), for members whose answers take longer than `near_ns` only: in one
// data centre nothing is kept. One answer that came sooner shows that the member is near, since no
// way is short once and long otherwise; so a member that was paused for a moment is not taken for
// one that is far. Pure; owned by `swim`, one thread.
#pragma once

#include "runtime/membership/member.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace dunlin::runtime::membership {

class round_trips {
public:
    /// `timeout_max_ns`: what no estimate goes beyond.
    round_trips(std::int64_t near_ns, std::int64_t timeout_max_ns, std::size_t members_max) noexcept
        : near_ns_(near_ns),
          timeout_max_ns_(timeout_max_ns),
          members_max_(members_max) {}

    /// An answer came so long after the question. What is too long for any estimate, or does not
    /// fit any more, is not learned.
    void learn(instance_id member, std::int64_t round_trip_ns);
    void forget(instance_id member) noexcept { far_.erase(member); }

    /// When an answer of the member is overdue; `near_ns` for those that are near.
    [[nodiscard]] std::int64_t timeout_ns(instance_id member) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return far_.size(); }

private:
    struct estimate {
        std::int64_t smoothed_ns = 0;
        std::int64_t variation_ns = 0;
    };
    [[nodiscard]] std::int64_t timeout_of(const estimate& known) const noexcept;

    std::int64_t near_ns_;
    std::int64_t timeout_max_ns_;
    std::size_t members_max_;
    std::unordered_map<instance_id, estimate> far_;
};

}  // namespace dunlin::runtime::membership
