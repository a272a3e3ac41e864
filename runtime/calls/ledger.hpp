// SPDX-License-Identifier: Apache-2.0
//
// The calls that a lane has taken and not yet answered.
//
// Opening and closing an entry is a few instructions, because nearly every call is answered in
// the turn it arrived in. Only entries that outlive their turn are `settled`: they get a timer, a
// reference to their bundle and a place in their peer's index, so that a deadline, a cancel, a
// vanished peer or the end of the node can find them. An address carries a generation; a holder
// that answers second finds the entry closed, and that is how a call gets exactly one answer.
// Memory that a flood of calls took is given back when it is over. Owned by the lane; touched only
// by the thread that has the lane.
#pragma once

#include "runtime/calls/ledger_entry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace dunlin::runtime {

class ledger {
public:
    [[nodiscard]] ledger_entry& open(caller& asker, std::uint64_t call_id) {
        if (free_.empty()) grow();
        auto& entry = *free_.back();
        free_.pop_back();
        entry.asker = &asker;
        entry.call_id = call_id;
        fresh_.push_back(entry.address());
        return entry;
    }

    /// Null when it was answered before.
    [[nodiscard]] ledger_entry* find(actors::answer_address address) noexcept {
        if (address.slot >= size_) return nullptr;
        auto* chunk = chunks_[address.slot >> chunk_bits].get();
        if (chunk == nullptr) return nullptr;
        auto& entry = chunk[address.slot & (chunk_size - 1)];
        return entry.generation == address.generation && entry.open() ? &entry : nullptr;
    }

    void close(ledger_entry& entry) noexcept {
        support::timer_wheel::remove(entry);
        entry.asker = nullptr;
        entry.work = nullptr;
        entry.route = nullptr;
        entry.via = nullptr;
        entry.sends = 0;
        entry.may_have_run = false;
        entry.cold_elsewhere = false;
        entry.losses = {};
        entry.lost_with.reset();
        entry.plays = ledger_entry::part::none;
        entry.named = {};
        if (entry.keep) entry.keep = {};
        ++entry.generation;
        free_.push_back(&entry);
    }

    /// Calls `settle(entry)` for those opened in this turn that are still open.
    template <class Settle>
    void settle_fresh(Settle&& settle) {
        for (const auto address : fresh_)
            if (auto* entry = find(address); entry != nullptr) settle(*entry);
        fresh_.clear();
    }

    template <class Visit>
    void for_each_open(Visit&& visit) {
        for (auto& chunk : chunks_)
            for (std::uint32_t i = 0; chunk && i < chunk_size; ++i)
                if (chunk[i].open()) visit(chunk[i]);
    }

    [[nodiscard]] ledger_entry& at(std::uint32_t slot) noexcept {
        return chunks_[slot >> chunk_bits][slot & (chunk_size - 1)];
    }

    [[nodiscard]] std::size_t open_count() const noexcept { return made_ - free_.size(); }
    /// Entries that there is memory for.
    [[nodiscard]] std::size_t made() const noexcept { return made_; }

    /// At the end of each turn: gives memory back once much less has been in use for a while.
    void tend(std::int64_t now_ns) {
        most_open_ = std::max(most_open_, open_count());
        if (now_ns < due_ns()) return;
        if (most_open_ + most_open_ / 2 + entries_kept < made_) shrink();
        most_open_ = open_count();
        looked_ns_ = now_ns;
    }
    /// When `tend` has something to look at.
    [[nodiscard]] std::int64_t due_ns() const noexcept {
        return made_ <= entries_kept ? std::numeric_limits<std::int64_t>::max()
                                     : looked_ns_ + shrink_after_ns;
    }

private:
    static constexpr std::uint32_t chunk_bits = 8;
    static constexpr std::uint32_t chunk_size = 1u << chunk_bits;
    /// A hundred kilobytes or so: as many come and go with each burst.
    static constexpr std::size_t entries_kept = 512;
    static constexpr std::int64_t shrink_after_ns = 1'000'000'000;

    void grow() {
        auto chunk = std::make_unique<ledger_entry[]>(chunk_size);
        auto at = std::find(chunks_.begin(), chunks_.end(), nullptr);
        if (at == chunks_.end()) {
            at = chunks_.emplace(at);
            size_ += chunk_size;
        }
        made_ += chunk_size;
        free_.reserve(made_);
        const auto first = static_cast<std::uint32_t>(at - chunks_.begin()) << chunk_bits;
        for (std::uint32_t i = chunk_size; i-- > 0;) {
            chunk[i].slot = first + i;
            chunk[i].generation = first_generation_;
            free_.push_back(&chunk[i]);
        }
        *at = std::move(chunk);
    }

    // Chunks without an open entry go, as far as they are not kept. Those that are made in their
    // place begin with a generation that no entry of theirs has had, so that what still points at
    // one of the old entries finds nothing.
    void shrink() {
        std::vector<std::uint32_t> unused(chunks_.size());
        for (const auto* each : free_) ++unused[each->slot >> chunk_bits];
        std::vector<bool> goes(chunks_.size());
        auto left = made_;
        for (std::size_t i = chunks_.size(); i-- > 0 && left > entries_kept;) {
            if (unused[i] != chunk_size) continue;
            goes[i] = true;
            left -= chunk_size;
            for (std::uint32_t k = 0; k < chunk_size; ++k)
                first_generation_ = std::max(first_generation_, chunks_[i][k].generation + 1);
        }
        std::erase_if(free_, [&](const auto* each) { return goes[each->slot >> chunk_bits]; });
        free_.shrink_to_fit();
        fresh_.shrink_to_fit();
        for (std::size_t i = 0; i < chunks_.size(); ++i)
            if (goes[i]) chunks_[i].reset();
        made_ = left;
    }

    std::vector<std::unique_ptr<ledger_entry[]>> chunks_;
    std::vector<ledger_entry*> free_;
    std::vector<actors::answer_address> fresh_;
    std::uint32_t size_ = 0;  // slots that have been made at some time
    std::size_t made_ = 0;
    std::uint32_t first_generation_ = 0;  // of entries that are made now
    std::size_t most_open_ = 0;           // since the last look
    std::int64_t looked_ns_ = 0;
};

}  // namespace dunlin::runtime
