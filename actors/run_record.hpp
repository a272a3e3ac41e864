// SPDX-License-Identifier: Apache-2.0
//
// What the activations of a pool tell of the invocations that they run: counts and times.
//
// The decisions about a function rest on these numbers: which threads run it, how long calls wait,
// how many of them fit a bundle. Written by whichever thread runs an activation, read by all,
// without a lock: a number may be a moment older than the one beside it. Owned by its pool.
#pragma once

#include "actors/function_info.hpp"
#include "actors/latency_counts.hpp"
#include "actors/occupied_time.hpp"
#include "actors/placement.hpp"
#include "actors/service_time.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

class run_record {
public:
    explicit run_record(const function_info& of) noexcept
        : may_wait_(of.async()),
          where_(of.blocking() ? placement::threads : placement::lane) {}

    // -- told by activations -------------------------------------------------------------------
    /// `count` invocations began and held a thread for `total_ns` together.
    void began(std::int64_t total_ns, std::uint32_t count) noexcept {
        invocations_.fetch_add(count, std::memory_order_relaxed);
        held(total_ns, count);
    }
    /// A suspended invocation went on and held a thread for `held_ns`.
    void went_on(std::int64_t held_ns) noexcept { held(held_ns, 1); }
    /// An invocation of a function that may suspend occupied its activation for so long, from its
    /// start to its answer: as long as it held a thread, and while it waited.
    void occupied_one(std::int64_t total_ns) noexcept { occupancy_.record(total_ns, 1); }
    /// For how long activations are occupied, all together.
    [[nodiscard]] occupied_time& occupied() noexcept { return occupied_; }
    [[nodiscard]] const occupied_time& occupied() const noexcept { return occupied_; }
    /// So many invocations that came from outside were answered so long after they arrived.
    void answered(std::int64_t latency_ns, std::uint32_t count) noexcept {
        latencies_.record(latency_ns, count);
    }
    /// An activation keeps a suspended invocation from now on, or no longer.
    void count_suspended(bool more) noexcept {
        suspended_.fetch_add(more ? 1 : std::size_t(-1), std::memory_order_relaxed);
    }

    // -- told by those who look from outside -----------------------------------------------------
    /// A running invocation has held its thread this long: the function is long.
    void still_holds(std::int64_t held_ns) noexcept {
        service_.record_at_least(held_ns);
        where_.store(decide_placement(where(), service_), std::memory_order_relaxed);
    }
    /// So many more (or fewer) calls ought to have returned, and hold a thread.
    void count_stuck(int change) noexcept { stuck_.fetch_add(change, std::memory_order_relaxed); }

    // -- read ------------------------------------------------------------------------------------
    [[nodiscard]] placement where() const noexcept {
        return where_.load(std::memory_order_relaxed);
    }
    /// How long one invocation holds its thread.
    [[nodiscard]] const service_time& service() const noexcept { return service_; }
    /// ... and its activation. 0: not known.
    [[nodiscard]] std::int64_t occupied_by_one_ns() const noexcept {
        const bool known = occupancy_.measured() || !may_wait_;
        return known ? std::max(occupancy_.predicted_ns(), service_.predicted_ns()) : 0;
    }
    [[nodiscard]] const latency_counts& latencies() const noexcept { return latencies_; }
    [[nodiscard]] std::uint64_t invocations() const noexcept {
        return invocations_.load(std::memory_order_relaxed);
    }
    /// For how long threads were held, of functions that may wait without one.
    [[nodiscard]] std::int64_t held_total_ns() const noexcept {
        return held_total_ns_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t suspended() const noexcept {
        return suspended_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t stuck() const noexcept {
        return static_cast<std::size_t>(std::max(stuck_.load(std::memory_order_relaxed), 0));
    }

private:
    void held(std::int64_t total_ns, std::uint32_t count) noexcept {
        service_.record(total_ns, count);
        if (may_wait_) held_total_ns_.fetch_add(total_ns, std::memory_order_relaxed);
        const auto before = where();
        const auto after = decide_placement(before, service_);
        if (after != before) where_.store(after, std::memory_order_relaxed);
    }

    const bool may_wait_;
    service_time service_;
    service_time occupancy_;
    latency_counts latencies_;
    occupied_time occupied_;
    std::atomic<placement> where_;
    std::atomic<std::uint64_t> invocations_{0};
    std::atomic<std::int64_t> held_total_ns_{0};
    std::atomic<int> stuck_{0};
    std::atomic<std::size_t> suspended_{0};
};

}  // namespace dunlin::actors
