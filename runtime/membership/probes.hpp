// SPDX-License-Identifier: Apache-2.0
//
// Whom a node probes next, and the probes that are not answered yet: its own and those that it
// runs for others.
//
// Every living member has its turn once in a round, in an order that is random and new in each
// round (SWIM's round-robin), so two probes of one member are at most 2(n-1)-1 periods apart.
// Owned by `swim`, which sends and judges; one thread.
#pragma once

#include "runtime/membership/member_table.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace dunlin::runtime::membership {

class probe_order {
public:
    /// A member that is new has its turn in this round, somewhere in what is left of it.
    void add(member_slot member, seeded_random& random);
    /// The next living member that is not `self`; `no_slot` if there is none.
    [[nodiscard]] member_slot next(const member_table& members, member_slot self,
                                   seeded_random& random);
    void reserve(std::size_t members) { order_.reserve(members); }

private:
    std::vector<member_slot> order_;
    std::size_t turn_ = 0;
};

/// Ours. It asks three times: directly, and twice directly and through others.
struct probe {
    instance_id target = no_instance;
    std::uint32_t sequence = 0;
    unsigned asks = 0;           // so far
    std::int64_t begun_ns = 0;   // when it asked first
    std::int64_t again_ns = 0;   // after how long it asks again
    std::int64_t ask_ns = 0;     // when to ask again
    std::int64_t failed_ns = 0;  // when to give up
    unsigned helpers_asked = 0;
    unsigned helpers_heard = 0;  // that they try
};

/// Someone else's.
struct relay {
    instance_id origin = no_instance;
    std::uint32_t origin_sequence = 0;
    instance_id target = no_instance;
    std::uint32_t sequence = 0;
    std::int64_t nack_ns = 0;  // when to say that we try; the largest number once said
    std::int64_t over_ns = 0;
};

class probe_board {
public:
    // One a period, which may take several when members are far, and those whose connections
    // closed.
    static constexpr std::size_t probes_max = 64;
    /// Probes that failed and may be answered yet.
    static constexpr std::size_t failed_max = 64;
    static constexpr std::size_t relays_max = 256;

    [[nodiscard]] std::uint32_t next_sequence() noexcept {
        if (++sequence_ == 0) ++sequence_;  // 0: no answer is waited for
        return sequence_;
    }
    [[nodiscard]] bool probing(instance_id target) const noexcept;

    /// Both drop what there is no room for.
    void add(const probe& ours);
    void add(const relay& theirs);

    /// The target of the answer must be the probe's: sequences of an earlier life may come again.
    [[nodiscard]] std::optional<probe> take_probe(std::uint32_t sequence, instance_id target);
    [[nodiscard]] std::optional<relay> take_relay(std::uint32_t sequence, instance_id target);
    [[nodiscard]] probe* find_probe(std::uint32_t sequence) noexcept;
    /// One that was given up is remembered for a while ...
    void add_failed(const probe& ours);
    /// ... so that an answer that comes late tells how far the target is.
    [[nodiscard]] std::optional<probe> take_failed(std::uint32_t sequence, instance_id target);

    /// One that has to ask again or has failed. The caller changes or takes it.
    [[nodiscard]] probe* due_probe(std::int64_t now_ns) noexcept;
    /// One whose asker must hear that we try.
    [[nodiscard]] relay* due_relay(std::int64_t now_ns) noexcept;
    /// Forgets relays that are over.
    void expire(std::int64_t now_ns);
    void clear() noexcept;

    /// The earliest of all their times; the largest number if there is none.
    [[nodiscard]] std::int64_t next_ns() const noexcept;
    [[nodiscard]] std::size_t probes() const noexcept { return probes_.size(); }
    [[nodiscard]] std::size_t relays() const noexcept { return relays_.size(); }

private:
    std::vector<probe> probes_;
    std::vector<probe> failed_;  // the oldest first
    std::vector<relay> relays_;
    std::uint32_t sequence_ = 0;
};

}  // namespace dunlin::runtime::membership
