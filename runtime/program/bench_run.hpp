// SPDX-License-Identifier: Apache-2.0
//
// One benchmark: clients connected, warmed up, measured together, and added up.
//
// The threads start measuring at the same time, so that the rates of several add up to a true
// one. The owner's thread sleeps meanwhile, shows progress on a terminal and waits for signals.
#pragma once

#include "runtime/program/bench_loop.hpp"
#include "runtime/program/bench_report.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/signals.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <latch>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::program {

struct bench_plan {
    connection_options connection;
    std::string function;
    any_value input;
    std::size_t size = 0;  // bytes of the input, as reported
    std::size_t requests = 0;
    std::size_t warmup = 0;
    std::size_t window = 1;  // shared by all threads
    std::size_t threads = 1;
};

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
        bench_loop::outcome outcome;
        std::chrono::steady_clock::time_point begin;
        std::chrono::steady_clock::time_point end;
    };

    void run_part(std::size_t index, part& to);
    void watch();

    bench_plan plan_;
    signals& stop_;
    std::deque<bench_loop> loops_;
    std::latch warm_;
    std::atomic<std::size_t> running_;
    std::optional<exit_at_signal> impatient_;  // after a first signal
    int done_fd_;
};

}  // namespace dunlin::program
