// SPDX-License-Identifier: Apache-2.0
//
// An open loop of calls: each starts when its schedule says, whatever became of those before it.
//
// A closed loop asks less of a function that is slow, so it measures only calls that happened to
// be made (coordinated omission). Here a latency counts from the start that was intended: a call
// that is sent late, because its sender was held up, has waited since then. What is due is sent at
// once and nothing is skipped, but for calls beyond the window: they are counted as not sent, so
// that memory stays bounded. How late calls were sent is told as the lag of the schedule.
//
// Each loop has its own client. `run` is for one thread; `stop`, `offered` and `in_flight` for any.
#pragma once

#include "runtime/program/any_value.hpp"
#include "runtime/program/bench_keys.hpp"
#include "runtime/program/bench_outcome.hpp"
#include "runtime/program/bench_schedule.hpp"
#include "runtime/program/bench_seconds.hpp"
#include "support/log_histogram.hpp"

#include <dunlin/client.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace dunlin::program {

class bench_open_loop {
public:
    using clock = std::chrono::steady_clock;

    struct outcome {
        bench_outcome calls;
        bench_seconds seconds;
        support::log_histogram lag;       // from intended to true starts, in nanoseconds
        support::log_histogram refusals;  // from true starts to the refusal, in nanoseconds
        /// Latencies less the times that the calls were to run, where the load says those.
        support::log_histogram waits;
        std::int64_t service_ns = 0;  // of the calls in `waits`
        /// For how long calls were offered: less than the load's duration after `stop`.
        std::chrono::nanoseconds offered_for{0};
    };

    /// `input` must outlive the loop. Calls whose load says how long they are to run have {"us":
    /// that} in its place.
    bench_open_loop(client through, std::string function, const any_value& input,
                    std::size_t window, bench_keys* keys = nullptr);

    /// Makes the calls of part `part` of `parts` of the load, which begins at `origin`, and waits
    /// for the last answer. Can be called again.
    [[nodiscard]] outcome run(const bench_load& load, std::size_t part, std::size_t parts,
                              clock::time_point origin);

    /// Starts no further calls, in this run or a later one.
    void stop() noexcept;
    /// Calls of this run whose time has come, and those without an answer.
    [[nodiscard]] std::uint64_t offered() const noexcept { return offered_.load(); }
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_.load(); }

private:
    [[nodiscard]] bool wait_until(clock::time_point due);
    /// A call of the schedule. `service_ns`: how long it is to run; none: as its input says.
    struct planned_call {
        std::chrono::nanoseconds start;
        std::optional<std::int64_t> service_ns;
    };

    void send(const planned_call& call);
    void finish(const planned_call& call, clock::time_point sent, const result<any_value>& reply);

    std::string function_;
    const any_value& input_;
    bench_keys* const keys_;
    std::string key_;
    std::size_t window_;
    clock::time_point origin_;
    bench_seconds sent_;  // only the running thread's: what was offered and not sent
    std::mutex ends_;     // of outcome_: a call that cannot start ends on the running thread
    outcome outcome_;
    std::mutex waiting_;
    std::condition_variable wake_;
    std::atomic<bool> stopped_{false};
    alignas(64) std::atomic<std::uint64_t> offered_{0};
    alignas(64) std::atomic<std::size_t> in_flight_{0};
    // Last, so that it ends first: its callbacks use all of the above.
    client client_;
};

}  // namespace dunlin::program
