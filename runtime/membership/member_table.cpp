// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/member_table.hpp"

#include <utility>

namespace dunlin::runtime::membership {

member_slot member_table::find(instance_id instance) const noexcept {
    if (index_.empty() || instance == no_instance) return no_slot;
    for (auto at = home_of(instance);; at = (at + 1) & (index_.size() - 1)) {
        const auto slot = index_[at];
        if (slot == no_slot || entries_[slot].instance == instance) return slot;
    }
}

void member_table::place(member_slot slot) noexcept {
    auto at = home_of(entries_[slot].instance);
    while (index_[at] != no_slot) at = (at + 1) & (index_.size() - 1);
    index_[at] = slot;
}

void member_table::grow_index(std::size_t members) {
    // At most two thirds full.
    std::size_t wanted = index_.empty() ? 8 : index_.size();
    while (wanted * 2 < members * 3) wanted *= 2;
    if (wanted == index_.size()) return;
    index_.assign(wanted, no_slot);
    for (member_slot slot = 0; slot < slots(); ++slot)
        if (entries_[slot].instance != no_instance) place(slot);
}

void member_table::reserve(std::size_t members) {
    entries_.reserve(members);
    grow_index(members);
}

void member_table::count(const member_entry& entry, bool in) noexcept {
    if (!is_living(entry.state)) return;
    checksum_ ^= share_of(entry);
    in ? ++living_ : --living_;
    if (entry.reached) return;
    in ? ++unreached_ : --unreached_;
}

member_slot member_table::insert(record_ptr record, incarnation_number incarnation,
                                 member_state state) {
    grow_index(size() + 1);
    member_slot slot = slots();
    if (free_.empty()) {
        entries_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    auto& entry = entries_[slot];
    entry.instance = record->instance;
    entry.record = std::move(record);
    entry.incarnation = incarnation;
    entry.state = state;
    count(entry, true);
    place(slot);
    return slot;
}

void member_table::change(member_slot at, record_ptr record, incarnation_number incarnation,
                          member_state state) {
    auto& entry = entries_[at];
    count(entry, false);
    entry.record = std::move(record);
    entry.incarnation = incarnation;
    entry.state = state;
    count(entry, true);
}

void member_table::mark_reached(member_slot at) {
    auto& entry = entries_[at];
    if (entry.reached) return;
    count(entry, false);
    entry.reached = true;
    count(entry, true);
}

void member_table::erase(member_slot slot) {
    auto& entry = entries_[slot];
    count(entry, false);
    const auto mask = index_.size() - 1;
    auto hole = home_of(entry.instance);
    while (index_[hole] != slot) hole = (hole + 1) & mask;
    // An entry that was pushed past the hole moves back into it, so that searches need no marks.
    for (auto at = (hole + 1) & mask; index_[at] != no_slot; at = (at + 1) & mask) {
        const auto home = home_of(entries_[index_[at]].instance);
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        index_[hole] = index_[at];
        hole = at;
    }
    index_[hole] = no_slot;
    entry = {};
    free_.push_back(slot);
}

std::vector<std::uint64_t> member_table::checksums(unsigned bits) const {
    std::vector<std::uint64_t> sums(std::size_t{1} << bits);
    for (const auto& entry : entries_)
        if (entry.instance != no_instance && is_living(entry.state))
            sums[bucket_of(entry.instance, bits)] ^= share_of(entry);
    return sums;
}

}  // namespace dunlin::runtime::membership
