// SPDX-License-Identifier: Apache-2.0
//
// The calls that a lane has taken and not yet answered.
//
// Opening and closing an entry is a few instructions, because nearly every call is answered in
// the turn it arrived in. Only entries that outlive their turn are `settled`: they get a timer, a
// reference to their bundle and a place in their peer's index, so that a deadline, a cancel, a
// vanished peer or the end of the node can find them. An address carries a generation; a holder
// that answers second finds the entry closed, and that is how a call gets exactly one answer. Owned
// by the lane; touched only by the thread that has the lane.
#pragma once

#include "actors/bundle.hpp"
#include "cluster/call_losses.hpp"
#include "runtime/calls/call_window.hpp"
#include "runtime/calls/caller.hpp"
#include "support/timer_wheel.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::actors {
class pool;
}

namespace dunlin::runtime {

struct peer_link;
struct function_route;

/// What a lane's timer wheel holds: the deadline of a call, or a timer of an operation.
struct wheel_item : support::timer_node {
    enum class kind : std::uint8_t { call, operation };
    explicit wheel_item(kind which) noexcept : what(which) {}
    const kind what;
};

struct ledger_entry : wheel_item {
    ledger_entry() noexcept : wheel_item(kind::call) {}

    caller* asker = nullptr;                 // null: closed
    ledger_entry* next_of_caller = nullptr;  // in its index
    std::uint64_t call_id = 0;
    actors::pool* pool = nullptr;
    actors::bundle* work = nullptr;  // alive at least until the end of the turn
    actors::bundle_ptr keep;         // settled entries only
    std::uint32_t index = 0;         // in the bundle
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;

    // Of a call that may run on another node.
    /// Nodes a call is sent to at most, the first included.
    static constexpr std::size_t sends_max = 4;
    function_route* route = nullptr;
    peer_link* via = nullptr;  // whose node has it now; null: this node
    std::uint32_t place = 0;   // of that node in the route
    std::array<std::uint64_t, sends_max> tried{};
    std::uint8_t sends = 0;
    bool may_have_run = false;    // on a node that did not say so, and then it was sent again
    std::int64_t sent_ns = 0;     // to the node that has it now
    cluster::call_losses losses;  // here and before: see `wire::losses_max`
    std::unique_ptr<std::string> lost_with;  // the first node that was lost here

    // Of a call that repeats are recognised of.
    enum class part : std::uint8_t {
        none,      // nobody would know a repeat
        first,     // it runs, or is on its way to
        orphan,    // the same, and only repeats wait for it
        attached,  // it is a repeat and waits for the first
    };
    part plays = part::none;
    call_window::ticket named;  // of the running call, whichever part this one plays

    [[nodiscard]] bool leads() const noexcept {
        return plays == part::first || plays == part::orphan;
    }
    /// Whether it has been sent to that node.
    [[nodiscard]] bool was_tried_on(std::uint64_t instance) const noexcept {
        const auto* end = tried.data() + std::min(sends_max, std::size_t{sends});
        return std::find(tried.data(), end, instance) != end;
    }
    [[nodiscard]] bool open() const noexcept { return asker != nullptr; }
    [[nodiscard]] bool settled() const noexcept { return static_cast<bool>(keep); }
    [[nodiscard]] actors::answer_address address() const noexcept { return {slot, generation}; }
    [[nodiscard]] actors::invocation& invocation() const noexcept { return (*work)[index]; }
};

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
        auto& entry = at(address.slot);
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
        for (std::uint32_t slot = 0; slot < size_; ++slot)
            if (auto& entry = at(slot); entry.open()) visit(entry);
    }

    [[nodiscard]] ledger_entry& at(std::uint32_t slot) noexcept {
        return chunks_[slot >> chunk_bits][slot & (chunk_size - 1)];
    }

    [[nodiscard]] std::size_t open_count() const noexcept { return size_ - free_.size(); }

private:
    static constexpr std::uint32_t chunk_bits = 8;
    static constexpr std::uint32_t chunk_size = 1u << chunk_bits;

    void grow() {
        auto& chunk = chunks_.emplace_back(std::make_unique<ledger_entry[]>(chunk_size));
        size_ += chunk_size;
        free_.reserve(size_);
        for (std::uint32_t i = chunk_size; i-- > 0;) {
            chunk[i].slot = size_ - chunk_size + i;
            free_.push_back(&chunk[i]);
        }
    }

    std::vector<std::unique_ptr<ledger_entry[]>> chunks_;
    std::vector<ledger_entry*> free_;
    std::vector<actors::answer_address> fresh_;
    std::uint32_t size_ = 0;
};

}  // namespace dunlin::runtime
