// SPDX-License-Identifier: Apache-2.0
//
// One benchmark: clients connected, warmed up, measured together, and added up.
//
// The threads start measuring at the same time, so that the rates of several add up to a true
// one. The owner's thread sleeps meanwhile, shows progress on a terminal and waits for signals.
#pragma once

#include "runtime/program/bench_loop.hpp"
#include "runtime/program/bench_open_loop.hpp"
#include "runtime/program/bench_plan.hpp"
#include "runtime/program/bench_report.hpp"
#include "runtime/program/signals.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <latch>
#include <memory>
#include <optional>
#include <string>

namespace dunlin::program {

class bench {
public:
    /// `stop` must outlive the benchmark.
    bench(bench_plan plan, signals& stop);
    ~bench();
    bench(const bench&) = delete;
    bench& operator=(const bench&) = delete;

    /// Connects all clients. What is not zero is the exit code.
    [[nodiscard]] int connect();
    /// Runs the calls. Ends early, with what it has, at a signal.
    [[nodiscard]] bench_report measure();
    [[nodiscard]] bool interrupted() const noexcept { return impatient_.has_value(); }

private:
    struct part {
        bench_open_loop::outcome outcome;  // of a closed loop only its calls
        std::chrono::steady_clock::time_point begin;
        std::chrono::steady_clock::time_point end;
    };

    void run_part(std::size_t index, part& to);
    void run_closed(std::size_t index, part& to);
    void run_open(std::size_t index, part& to);
    /// When the measured calls of all threads begin: when the first of them is there.
    [[nodiscard]] std::chrono::steady_clock::time_point common_origin();
    void watch();
    void stop_loops() noexcept;
    [[nodiscard]] std::string how_far() const;

    bench_plan plan_;
    std::unique_ptr<bench_keys> keys_;  // null: calls have none
    signals& stop_;
    std::deque<bench_loop> loops_;            // one for each thread: these,
    std::deque<bench_open_loop> open_loops_;  // or these
    std::latch warm_;
    std::atomic<std::int64_t> origin_ns_{0};
    std::atomic<std::size_t> running_;
    std::optional<exit_at_signal> impatient_;  // after a first signal
    int done_fd_;
};

}  // namespace dunlin::program
