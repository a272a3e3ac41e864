// SPDX-License-Identifier: Apache-2.0
//
// What became of an open loop's calls, by the second in which each was to start.
//
// Every call that is offered ends in one count: not sent, ok, refused, expired or failed. Of the
// latencies a second keeps counters that know a value to one part in 32, some 3 KB if calls took
// up to 100 ms. Plain value; one thread at a time.
#pragma once

#include "support/log_histogram.hpp"

#include <dunlin/errc.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::program {

struct bench_second {
    std::uint64_t offered = 0;
    std::uint64_t not_sent = 0;  // too many were in flight
    std::uint64_t ok = 0;
    std::uint64_t refused = 0;  // overloaded
    std::uint64_t expired = 0;  // deadline_exceeded
    std::uint64_t failed = 0;   // with any other error
    std::uint64_t max_ns = 0;   // of those that are ok
    /// Of those that are ok: counters of latencies in nanoseconds, up to the highest that is used.
    std::vector<std::uint32_t> latencies;

    [[nodiscard]] std::uint64_t sent() const noexcept { return offered - not_sent; }
    /// Never more than `max_ns`; 0 if no call was ok.
    [[nodiscard]] std::uint64_t p99_ns() const noexcept;
    void add(const bench_second& other);
};

class bench_seconds {
public:
    /// A call that was to start then, after the load's beginning.
    void offer(std::chrono::nanoseconds start) { ++at(start).offered; }
    void leave_out(std::chrono::nanoseconds start) { ++at(start).not_sent; }
    void succeed(std::chrono::nanoseconds start, std::uint64_t latency_ns);
    void fail(std::chrono::nanoseconds start, errc why);

    void add(const bench_seconds& other);

    /// From the load's beginning to the last second in which a call was offered.
    [[nodiscard]] const std::vector<bench_second>& rows() const noexcept { return rows_; }
    [[nodiscard]] bench_second total() const;
    /// The number of the second with the highest p99; 0 if no call was ok.
    [[nodiscard]] std::size_t slowest() const noexcept;

private:
    using scale = support::log_scale<6>;
    friend struct bench_second;

    [[nodiscard]] bench_second& at(std::chrono::nanoseconds start);

    std::vector<bench_second> rows_;
};

}  // namespace dunlin::program
