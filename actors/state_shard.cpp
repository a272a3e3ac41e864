// SPDX-License-Identifier: Apache-2.0
#include "actors/state_shard.hpp"

#include <utility>

namespace dunlin::actors {

namespace {

constexpr std::size_t places_min = 16;

/// What a key costs beside its bytes: the entry, its place in the table and in the policy.
constexpr std::size_t entry_bytes = sizeof(key_entry) + 48;

}  // namespace

key_entry* state_shard::find(std::uint64_t hash, std::string_view key) noexcept {
    if (table_.empty()) return nullptr;
    const auto mask = table_.size() - 1;
    for (auto place = hash & mask; table_[place] != nothing; place = (place + 1) & mask) {
        auto& entry = entries_[table_[place]];
        if (entry.hash == hash && entry.key == key) return &entry;
    }
    return nullptr;
}

key_entry& state_shard::add(std::uint64_t hash, std::string_view key) {
    if ((used_ + 1) * 2 > table_.size()) rehash(table_.empty() ? places_min : table_.size() * 2);
    const auto slot = entries_.take();
    auto& entry = entries_[slot];
    entry.key.assign(key);
    entry.hash = hash;
    entry.home = this;
    entry.slot = slot;
    const auto mask = table_.size() - 1;
    auto place = hash & mask;
    while (table_[place] != nothing) place = (place + 1) & mask;
    table_[place] = slot;
    ++used_;
    const auto before = policy_.bytes();
    policy_.insert(slot, hash, entry_bytes + entry.key.size());
    count(before);
    return entry;
}

void state_shard::rehash(std::size_t places) {
    std::vector<std::uint32_t> table(places, nothing);
    const auto mask = places - 1;
    for (const auto slot : table_) {
        if (slot == nothing) continue;
        auto place = entries_[slot].hash & mask;
        while (table[place] != nothing) place = (place + 1) & mask;
        table[place] = slot;
    }
    table_ = std::move(table);
}

// Those behind it in its run move up, so that no mark is left where it was.
void state_shard::forget(key_entry& key) {
    const auto mask = table_.size() - 1;
    auto hole = key.hash & mask;
    while (table_[hole] != key.slot) hole = (hole + 1) & mask;
    for (auto place = (hole + 1) & mask; table_[place] != nothing; place = (place + 1) & mask) {
        const auto wanted = entries_[table_[place]].hash & mask;
        if (((place - wanted) & mask) < ((place - hole) & mask)) continue;
        table_[hole] = table_[place];
        hole = place;
    }
    table_[hole] = nothing;
    --used_;
    entries_.give_back(key.slot);
    if (used_ * 8 < table_.size() && table_.size() > places_min) rehash(table_.size() / 2);
}

void state_shard::count(std::size_t before) noexcept {
    // All shards share this number, and most turns leave a value as large as it was.
    if (const auto more = policy_.bytes() - before; more != 0)
        memory->bytes.fetch_add(more, std::memory_order_relaxed);
}

void state_shard::weigh(key_entry& key) {
    const auto before = policy_.bytes();
    const auto recent = key.recent ? key.recent->bytes() : 0;
    policy_.resized(key.slot, entry_bytes + key.key.size() + key.value.bytes() + recent);
    count(before);
}

void state_shard::evict(std::vector<hot_value>& out) {
    while (memory->full()) {
        const auto before = policy_.bytes();
        const auto slot =
            policy_.victim([this](cache_slot each) { return !entries_[each].idle(); });
        if (slot == no_slot) return;  // all are at work, or there are none
        count(before);
        out.push_back(std::move(entries_[slot].value));
        ++counted.evicted;
        forget(entries_[slot]);
    }
}

void state_shard::lend_activity(key_entry& key) {
    if (key.active) return;
    if (spares_.empty()) {
        key.active = std::make_unique<key_activity>();
        key.active->turns.count_waiting_in(waiting);
        return;
    }
    key.active = std::move(spares_.back());
    spares_.pop_back();
}

void state_shard::take_activity_back(key_entry& key) {
    if (spares_.size() < spares_max) spares_.push_back(std::move(key.active));
    key.active.reset();
}

}  // namespace dunlin::actors
