// SPDX-License-Identifier: Apache-2.0
//
// What an open loop tells beyond a closed one: what was offered and what became of it, second by
// second, and how late calls were sent. Pure; any thread.
#pragma once

#include "runtime/program/bench_schedule.hpp"
#include "runtime/program/bench_seconds.hpp"
#include "support/log_histogram.hpp"

#include <chrono>
#include <string>

namespace dunlin::program {

struct bench_open_report {
    bench_load load;
    bench_seconds seconds;
    support::log_histogram lag;       // from intended to true starts, in nanoseconds
    support::log_histogram refusals;  // from true starts to the refusal, in nanoseconds
    support::log_histogram waits;     // of a trace with service times: latencies less those
    double busy_seconds = 0;          // ... and the sum of those
    /// For how long calls were offered: the load's duration, or less after a signal.
    std::chrono::nanoseconds offered_for{0};

    [[nodiscard]] double offered_seconds() const noexcept;
    /// Whether the sender's lag is a good part of the latencies: more than a millisecond, and more
    /// than a tenth of them, at the 99th percentile of each.
    [[nodiscard]] bool measured_itself(const support::log_histogram& latencies) const noexcept;

    /// Further members of an object, each after a comma.
    [[nodiscard]] std::string json(const support::log_histogram& latencies) const;
    /// Lines for people, after the function's name. `bytes` is the size of the input.
    [[nodiscard]] std::string summary(const std::string& bytes,
                                      const support::log_histogram& latencies) const;

private:
    [[nodiscard]] std::string trace_json() const;
};

}  // namespace dunlin::program
