// SPDX-License-Identifier: Apache-2.0
//
// Which of a function's callers has its turn, so that one with very many calls takes only its share
// from the others.
//
// Each caller is a flow with a weight and a priority. Flows of one priority take turns by deficit
// round robin (Shreedhar and Varghese, SIGCOMM 1995): an equal number of invocations for equal
// weights, whatever the size of their bundles. A flow that was away comes first, as in FQ-CoDel
// (RFC 8290), but the turns that it has before others are borrowed and given back in the round:
// calls that come one by one do not wait behind the round, and no pattern of coming and going
// gains more than a fair share. A higher priority goes first; what it passes over still gets a
// sixteenth, and the round an eighth beside newcomers, so nothing starves.
//
// Invocations are counted, not nanoseconds: within one function that is the same but for how long
// the calls of one caller take, and stays right when the service time changes.
//
// Constant time, amortised, for every operation; a turn looks at 64 flows at most, and at
// as many again as have nothing to run. A flow has 72 bytes while it has invocations or owes turns
// (at most `debtors_max` of those). Pure: no clock, thread or lock. Used by `call_queue`, which has
// the invocations.
#pragma once

#include "actors/standing_queue.hpp"
#include "support/index_list.hpp"
#include "support/log_histogram.hpp"
#include "support/slab.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::actors {

enum class call_priority : std::uint8_t { high, normal, low };
inline constexpr std::size_t call_priorities = 3;

/// Who calls, and what that is worth.
struct call_share {
    std::uint64_t caller = 0;  // by its key, else by its connection
    std::uint32_t weight = 1;  // from 1 to `weight_max`; others are taken as the nearest
    call_priority priority = call_priority::normal;
};

class flow_scheduler {
public:
    static constexpr std::uint32_t weight_max = 64;
    /// Invocations of all flows together.
    static constexpr std::uint32_t count_max = 1U << 30;
    /// Turns that a flow which was away may borrow: as many as random arrivals at nine tenths of a
    /// flow's share need beside one that never stops. With 32 every hundredth call of them waits.
    static constexpr std::int64_t turns_borrowed_max = 128;
    /// Of flows without invocations, those whose debt is remembered.
    static constexpr std::size_t debtors_max = 1024;

    struct flow {
        std::uint64_t caller = 0;
        std::uint32_t weight = 1;
        std::uint32_t length = 0;  // invocations
        std::int64_t deficit = 0;  // invocations that it may have run; below 0: that it owes
        standing_queue delay;      // kept by the queue
        std::uint32_t first = support::no_place;  // its items, kept by the queue
        std::uint32_t last = support::no_place;
        call_priority priority = call_priority::normal;
        bool newcomer = true;
        std::uint16_t rank = 0;  // by length and weight
        std::uint32_t chain = support::no_place;
        support::index_links turn;
        support::index_links ranked;
    };

    /// @param seed makes callers' places in the index unpredictable to them.
    explicit flow_scheduler(std::uint64_t seed) noexcept : seed_(seed) {}

    /// The flow of that caller and priority, or `no_place`.
    [[nodiscard]] std::uint32_t find(const call_share& share) const noexcept;
    /// The same; it begins if there is none. It ends by itself, some time after it was empty.
    [[nodiscard]] std::uint32_t open(const call_share& share);
    /// A flow that `open` has begun and that got nothing after all.
    void close_unused(std::uint32_t place) noexcept;
    [[nodiscard]] flow& at(std::uint32_t place) noexcept { return flows_[place]; }
    [[nodiscard]] const flow& at(std::uint32_t place) const noexcept { return flows_[place]; }

    void add(std::uint32_t place, std::uint32_t count) noexcept;
    /// `count` together, as they were added, left: to be run, which counts against the flow's
    /// share, or otherwise. May end the flow.
    void run(std::uint32_t place, std::uint32_t count) noexcept;
    void remove(std::uint32_t place, std::uint32_t count) noexcept;

    /// The flow whose turn it is. @pre something waits.
    [[nodiscard]] std::uint32_t next() noexcept;
    /// Of those of a priority one that is longest by its weight, within a quarter; or `no_place`.
    [[nodiscard]] std::uint32_t longest(call_priority of) const noexcept;

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    [[nodiscard]] std::size_t waiting(call_priority of) const noexcept { return level(of).waiting; }
    /// How many run before one that this share would add, unless more callers come.
    [[nodiscard]] std::uint64_t ahead(const call_share& share) const noexcept;
    /// Flows that are remembered.
    [[nodiscard]] std::size_t flows() const noexcept { return flows_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return flows_.bytes() + index_.capacity() * sizeof(index_[0]);
    }

private:
    using turns = support::index_list<flow, &flow::turn>;
    using ranked = support::index_list<flow, &flow::ranked>;
    using scale = support::log_scale<3>;
    // A rank is a log-linear number of eight times the length by the weight.
    static constexpr unsigned rank_shift = 3;
    static constexpr std::size_t ranks =
        scale::index_of(std::uint64_t{count_max} << rank_shift) + 1;

    struct priority_level {
        turns newcomers;
        turns round;
        std::size_t waiting = 0;            // invocations
        std::size_t newcomers_waiting = 0;  // of these
        std::size_t weight = 0;             // of the flows that have any
        std::size_t newcomers_weight = 0;
        std::uint64_t newcomers_ran = 0;  // since the round had its turn
        std::uint64_t passed_over = 0;    // run before them although they waited
        std::array<ranked, ranks> by_rank;
        std::array<std::uint64_t, ranks / 64 + 1> ranks_used{};
    };

    [[nodiscard]] priority_level& level(call_priority of) noexcept {
        return levels_[static_cast<std::size_t>(of)];
    }
    [[nodiscard]] const priority_level& level(call_priority of) const noexcept {
        return levels_[static_cast<std::size_t>(of)];
    }
    [[nodiscard]] std::size_t hash(std::uint64_t caller, call_priority priority) const noexcept;
    void grow_index();
    void set_weight(std::uint32_t place, std::uint32_t weight) noexcept;
    void rank(priority_level& in, std::uint32_t place) noexcept;
    void unrank(priority_level& in, std::uint32_t place) noexcept;
    void shorten(std::uint32_t place, std::uint32_t count) noexcept;
    void join_round(priority_level& in, std::uint32_t place) noexcept;
    void end(std::uint32_t place) noexcept;
    [[nodiscard]] priority_level& next_level() noexcept;
    void give_turn(priority_level& in) noexcept;
    [[nodiscard]] std::uint32_t next_in_round(priority_level& in) noexcept;
    /// Invocations of one turn: enough for the largest bundle that waits.
    [[nodiscard]] std::int64_t quantum() const noexcept {
        return (std::int64_t{1} << (std::bit_width(sizes_used_ | 2U) - 1)) - 1;
    }

    std::uint64_t seed_;
    support::slab<flow> flows_;
    std::vector<std::uint32_t> index_;  // first of a chain of flows, by hash
    std::array<priority_level, call_priorities> levels_;
    std::size_t waiting_ = 0;
    std::size_t debtors_ = 0;
    std::uint32_t sizes_used_ = 0;  // a bit for each width of counts that wait
    std::array<std::uint32_t, 32> by_size_{};
};

}  // namespace dunlin::actors
