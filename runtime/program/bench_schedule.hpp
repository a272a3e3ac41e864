// SPDX-License-Identifier: Apache-2.0
//
// When the calls of an open loop are to start: at the load's rate, whatever becomes of them.
//
// A load of R calls a second for D seconds has exactly R * D calls. Arrivals are `even`, equally
// far apart, or `poisson`: each call anywhere in the time, independently of all others, which is a
// Poisson process of which the number of calls is known. A load may also be a trace's, whose calls
// and service times are those that `dunlin simulate` makes of it. Several threads share a load:
// together their schedules are the load's. No clock, and memory that does not grow with the load;
// the same seed gives the same starts. One owner, one thread.
#pragma once

#include "runtime/rehearsal/arrivals.hpp"
#include "runtime/rehearsal/chance.hpp"
#include "runtime/rehearsal/trace.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace dunlin::program {

enum class bench_arrivals { even, poisson, burst };

/// Calls as they came once.
struct bench_trace {
    runtime::rehearsal::trace load;          // one function, as fast as it is to be
    std::int64_t second_ns = 1'000'000'000;  // of bursts
    std::optional<runtime::rehearsal::service_times> service;  // drawn for each call, if given
};

struct bench_load {
    static constexpr std::uint64_t per_second_max = 10'000'000;
    static constexpr std::chrono::hours duration_max{24};

    std::uint64_t per_second = 1;
    std::chrono::nanoseconds duration{0};
    bench_arrivals arrivals = bench_arrivals::poisson;
    std::uint64_t seed = 1;
    /// In place of the rate. As long as the duration.
    std::shared_ptr<const bench_trace> trace = {};

    [[nodiscard]] std::uint64_t calls() const noexcept;
};

class bench_schedule {
public:
    /// Part number `part` of `parts`, which are nearly equal. @pre the load is within its limits.
    bench_schedule(const bench_load& load, std::size_t part, std::size_t parts) noexcept;

    /// The next start, counted from the load's beginning: never before the one before it, and
    /// always before its end. Nothing when there are no more.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next() noexcept;
    /// How long the call that `next` gave last is to run; nothing where the load does not say.
    [[nodiscard]] std::optional<std::int64_t> service_ns() const noexcept { return service_ns_; }

private:
    [[nodiscard]] std::chrono::nanoseconds next_even() noexcept;
    [[nodiscard]] std::chrono::nanoseconds next_poisson() noexcept;
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next_traced() noexcept;

    bench_load load_;
    std::uint64_t part_;
    std::uint64_t parts_;
    std::uint64_t left_;
    std::uint64_t given_ = 0;
    double last_ns_ = 0;
    runtime::rehearsal::chance chance_;  // of a trace: of service times
    std::optional<runtime::rehearsal::arrivals> traced_;
    std::optional<std::int64_t> service_ns_;
};

}  // namespace dunlin::program
