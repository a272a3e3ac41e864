// SPDX-License-Identifier: Apache-2.0
//
// The members that are suspected, by whom, and until when they may contradict.
//
// The first accusation gives the suspect the longest time; every independent one shortens it
// logarithmically down to the shortest (Lifeguard's dynamic suspicion timeouts). Owned by `swim`;
// one thread.
#pragma once

#include "runtime/membership/member.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace dunlin::runtime::membership {

/// How long a suspicion lasts after `confirmed` of the `wanted` confirmations.
[[nodiscard]] std::int64_t suspicion_ns(std::int64_t min_ns, std::int64_t max_ns,
                                        std::size_t confirmed, std::size_t wanted) noexcept;

class suspicions {
public:
    struct terms {
        std::int64_t min_ns = 0;
        std::int64_t max_ns = 0;
        std::size_t confirmations = 0;  // that can be hoped for
    };

    /// One that is there already begins anew.
    void begin(instance_id suspect, const terms& how, std::int64_t now_ns);
    /// @returns whether the accuser is a new one. Without a suspicion, or with as many accusers
    /// as count, nothing happens.
    bool accuse(instance_id suspect, instance_id accuser);
    /// Somebody says that it has left, which is only certain from itself.
    void suppose_left(instance_id suspect) noexcept;
    /// How it ends if it is not contradicted.
    [[nodiscard]] member_state ends_as(instance_id suspect) const noexcept;
    /// It lasts as long as a suspicion that has all its confirmations.
    void hasten(instance_id suspect) noexcept;
    void end(instance_id suspect);

    /// Those of `suspect`; empty if it is not suspected. Until the next change.
    [[nodiscard]] std::span<const instance_id> accusers(instance_id suspect) const noexcept;

    /// When the next suspicion ends in death; the largest number if there is none.
    [[nodiscard]] std::int64_t next_ns() const noexcept { return next_ns_; }
    /// One whose time is over; 0 if there is none. It stays until `end`.
    [[nodiscard]] instance_id overdue(std::int64_t now_ns) const noexcept;
    /// We were not listening: nobody's time is over before this.
    void hold_until(std::int64_t until_ns) noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

private:
    struct suspicion {
        instance_id suspect = no_instance;
        std::int64_t since_ns = 0;
        std::int64_t until_ns = 0;
        terms how;
        bool left = false;
        std::vector<instance_id> accusers;
    };
    [[nodiscard]] std::size_t index_of(instance_id suspect) const noexcept;
    void note_next() noexcept;

    std::vector<suspicion> all_;  // sorted by suspect
    std::int64_t next_ns_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace dunlin::runtime::membership
