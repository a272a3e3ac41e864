// SPDX-License-Identifier: Apache-2.0
//
// When activations of one function start and when they end.
//
// A function that nobody calls should cost nothing, a call should not wait, and starts are not
// free either. So a call that finds no activation idle starts one, below the ceiling; and at looks
// some milliseconds apart, while any is idle, those are retired of which the load expects no use
// soon: an idle activation stays for as long as a start costs, measured in time that it may be
// idle, and no longer. README.md has the formula and its sources.
//
// Guarantees: a start happens for a call only, and never two for one; what is retired is idle, and
// leaves `min`. Pure: no thread, clock or lock; observations in, decisions with their reasons out.
// One object for each function of a node, owned by its pool. A call touches counters only; all
// arithmetic is in `look`, whose cost grows with the number of idle activations that stay.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace dunlin::actors {

/// What authors and operators set, and what is known of the function.
struct elastic_bounds {
    std::size_t min = 0;
    std::size_t max = 256;
    /// More at once gain nothing: the cores, for a function that computes. From placement.
    std::size_t useful = std::numeric_limits<std::size_t>::max();
    /// An idle one stays at least so long, for a function whose first call is dear.
    std::chrono::nanoseconds idle{0};

    /// Starts stop here.
    [[nodiscard]] constexpr std::size_t ceiling() const noexcept {
        const auto least = max < useful ? max : useful;
        return least < min ? min : least;
    }
};

enum class scaling_reason {
    none_idle,          // start: a call found no idle activation
    below_minimum,      // start: there have to be more, whatever the load
    one_idle,           // no start: a call goes to an idle one
    start_under_way,    // no start: as many are starting as calls wait
    at_maximum,         // no start: as many as were declared
    at_useful,          // no start: more would not help
    dearer_than_start,  // retire: idle time costs more than the next start
    above_ceiling,      // retire: there may be fewer now than there were
    within_price,       // no one retired: each is likely to be used soon enough
    within_idle_limit,  // no one retired: none has been idle for as long as was asked
    minimum_kept,       // no one retired, or not more: there have to be so many
    nothing_idle,       // no one retired: all work
};

[[nodiscard]] std::string_view to_string(scaling_reason reason) noexcept;

struct start_decision {
    bool start = false;
    scaling_reason reason = scaling_reason::one_idle;
};

/// The activations of a pool at a moment.
struct elastic_view {
    std::size_t busy = 0;
    std::size_t starting = 0;  // no call has been given to these yet
    std::size_t queued = 0;    // calls that wait for an activation
    /// Since when each idle one has been, the longest idle first.
    std::span<const std::int64_t> idle_since_ns{};

    [[nodiscard]] std::size_t existing() const noexcept {
        return busy + starting + idle_since_ns.size();
    }
};

/// What a look decides, and what it was decided from.
struct look_decision {
    /// So many end, the longest idle first.
    std::size_t retire = 0;
    scaling_reason reason = scaling_reason::nothing_idle;
    /// No sooner is there anything to look at; `elastic_policy::never` when that takes a call.
    std::int64_t next_ns = 0;
    double arrivals_per_second = 0;
    double service_seconds = 0;
    double price_seconds = 0;  // idle time that a start is worth
};

class elastic_policy {
public:
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    /// Between two looks.
    static constexpr std::int64_t look_every_ns = 10'000'000;
    /// A look ends so many at most, the next one others: what ends them are messages, for which the
    /// scheduler's threads need a few milliseconds, and others' jobs come behind them.
    static constexpr std::size_t retire_at_once_max = 4096;

    explicit elastic_policy(const elastic_bounds& bounds) noexcept : bounds_(bounds) {}

    [[nodiscard]] const elastic_bounds& bounds() const noexcept { return bounds_; }
    /// `min` above `max` raises the ceiling. Counts from the next decision on.
    void set_bounds(const elastic_bounds& bounds) noexcept { bounds_ = bounds; }

    /// Of each call that is not refused, before `on_call`.
    void arrived(std::int64_t now_ns) noexcept {
        if (arrivals_++ == 0) first_arrival_ns_ = now_ns;
    }
    /// Of each invocation that has ended, with the time that it kept its activation.
    void ended(std::int64_t service_ns) noexcept {
        ++ends_;
        service_sum_ns_ += service_ns;
    }
    /// So many at once.
    void ended(std::uint64_t count, std::int64_t service_sum_ns) noexcept {
        ends_ += count;
        service_sum_ns_ += std::max<std::int64_t>(service_sum_ns, 0);
    }
    /// An activation has nothing to do. @returns whether `look_at_ns` was `never` until now.
    bool became_idle(std::int64_t now_ns) noexcept {
        if (look_at_ns_ != never) return false;
        look_at_ns_ = now_ns + look_every_ns;
        return true;
    }
    /// How long a start took, until the activation could take a call.
    void started(std::int64_t cost_ns) noexcept;

    /// For a call that has just arrived and is among the queued unless one is idle.
    [[nodiscard]] start_decision on_call(const elastic_view& view) const noexcept;
    /// How many are to be started because of `min`.
    [[nodiscard]] std::size_t missing(std::size_t existing) const noexcept {
        return existing < bounds_.min ? bounds_.min - existing : 0;
    }

    /// When the next look is due.
    [[nodiscard]] std::int64_t look_at_ns() const noexcept { return look_at_ns_; }
    /// Time that goes backwards counts as time that stands still.
    [[nodiscard]] look_decision look(std::int64_t now_ns, const elastic_view& view) noexcept;

private:
    void learn(std::int64_t now_ns) noexcept;
    void keep_within_budget(double elapsed_seconds, std::size_t idle) noexcept;
    [[nodiscard]] double price_seconds() const noexcept;
    [[nodiscard]] std::size_t worth_keeping(std::size_t busy, std::size_t idle) const noexcept;

    elastic_bounds bounds_;
    // Since the last look.
    std::uint64_t arrivals_ = 0;
    std::int64_t first_arrival_ns_ = 0;
    std::uint64_t ends_ = 0;
    std::int64_t service_sum_ns_ = 0;
    // What the looks have learned.
    std::int64_t look_at_ns_ = never;
    std::int64_t looked_ns_ = 0;
    bool has_looked_ = false;
    double rate_ = 0;                // arrivals a second
    double service_seconds_ = 0;     // mean
    double start_seconds_ = 100e-6;  // mean, of a start; unknown so far
    double busy_mean_ = 0;           // activations with a call
    double age_seconds_ = 0;         // time looked at
    double discount_ = 1;            // on the price of a start
    // By the last look: idle ones left because they are worth it, and because they were asked for.
    std::size_t idle_left_ = 0;
    std::size_t idle_granted_ = 0;
};

}  // namespace dunlin::actors
