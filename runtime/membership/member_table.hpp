// SPDX-License-Identifier: Apache-2.0
//
// Every member that a node knows, found by instance.
//
// A simulation of 10,000 nodes has 100 million entries, so an entry is 32 bytes and what only few
// members have (a suspicion, a tombstone) is kept elsewhere. A member keeps its slot until it is
// erased; slots are used again. The checksum covers the living members and tells whether two
// nodes know the same ones. Owned by `swim`; one thread.
#pragma once

#include "runtime/membership/member.hpp"
#include "runtime/membership/random.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::runtime::membership {

using member_slot = std::uint32_t;
inline constexpr member_slot no_slot = ~member_slot{0};

struct member_entry {
    record_ptr record;
    instance_id instance = no_instance;  // of an unused slot: none
    incarnation_number incarnation = 0;
    member_state state = member_state::dead;
    bool reached = false;   // it has been heard itself, not only of
    bool measured = false;  // how far it is, is known
};
static_assert(sizeof(member_entry) <= 32);

class member_table {
public:
    /// `no_slot` if there is none.
    [[nodiscard]] member_slot find(instance_id instance) const noexcept;
    /// The instance is not in the table.
    member_slot insert(record_ptr record, incarnation_number incarnation, member_state state);
    void change(member_slot at, record_ptr record, incarnation_number incarnation,
                member_state state);
    void mark_reached(member_slot at);
    void mark_measured(member_slot at) noexcept { entries_[at].measured = true; }
    void erase(member_slot at);
    void reserve(std::size_t members);

    [[nodiscard]] const member_entry& operator[](member_slot at) const noexcept {
        return entries_[at];
    }
    /// Slots from 0 to this; those without an instance are unused.
    [[nodiscard]] member_slot slots() const noexcept {
        return static_cast<member_slot>(entries_.size());
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size() - free_.size(); }
    [[nodiscard]] std::size_t living() const noexcept { return living_; }
    /// Of those, the ones that have not been reached.
    [[nodiscard]] std::size_t unreached() const noexcept { return unreached_; }

    /// Equal for equal living members and incarnations, if of each is known what it serves.
    [[nodiscard]] std::uint64_t checksum() const noexcept { return checksum_; }
    /// The same for each of 2^bits parts of the list.
    [[nodiscard]] std::vector<std::uint64_t> checksums(unsigned bits) const;
    [[nodiscard]] static std::uint32_t bucket_of(instance_id instance, unsigned bits) noexcept {
        return bits == 0 ? 0 : static_cast<std::uint32_t>(mix(instance) >> (64 - bits));
    }

private:
    static std::uint64_t share_of(const member_entry& entry) noexcept {
        const auto share = mix(entry.instance ^ mix(entry.incarnation));
        return entry.record->serves.tells() ? mix(share) : share;
    }
    void count(const member_entry& entry, bool in) noexcept;
    [[nodiscard]] std::size_t home_of(instance_id instance) const noexcept {
        return static_cast<std::size_t>(mix(instance)) & (index_.size() - 1);
    }
    void grow_index(std::size_t members);
    void place(member_slot at) noexcept;

    std::vector<member_entry> entries_;
    std::vector<member_slot> free_;
    std::vector<member_slot> index_;  // open addressing, a power of two
    std::size_t living_ = 0;
    std::size_t unreached_ = 0;
    std::uint64_t checksum_ = 0;
};

}  // namespace dunlin::runtime::membership
