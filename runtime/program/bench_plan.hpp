// SPDX-License-Identifier: Apache-2.0
//
// From what the command line says to a benchmark that can be run. Options that do not go together
// are refused here, each pair with a sentence. Pure; main thread.
#pragma once

#include "runtime/program/any_value.hpp"
#include "runtime/program/bench_loop.hpp"
#include "runtime/program/bench_schedule.hpp"
#include "runtime/program/connection.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace dunlin::program {

/// A number of which the command line says nothing.
inline constexpr std::size_t not_given = std::numeric_limits<std::size_t>::max();

struct bench_arguments {
    connection_options connection;
    std::string function;
    std::string payload;
    std::string arrivals;
    std::string trace;
    std::string service_time;
    std::string cv;
    std::string zipf;
    std::chrono::nanoseconds duration{0};
    std::size_t rate = not_given;
    std::size_t requests = not_given;
    std::size_t warmup = not_given;
    std::size_t window = not_given;
    std::size_t seed = not_given;
    std::size_t compress = 1;
    std::size_t one_in = 1;
    std::size_t size = 64;
    std::size_t threads = 1;
    std::size_t keys = 0;
    bool json = false;
};

struct bench_plan {
    // Of the closed loop, unless said otherwise.
    static constexpr std::size_t requests_usual = 100'000;
    static constexpr std::size_t requests_unlimited = not_given - 1;
    static constexpr std::size_t warmup_usual = 1'000;
    static constexpr std::size_t window_usual = 64;
    /// Of the open loop: what a client may have under way.
    static constexpr std::size_t open_window_usual = 65'536;

    connection_options connection;
    std::string function;
    any_value input;
    std::size_t size = 0;  // bytes of the input, as reported
    std::size_t window = 1;
    std::size_t threads = 1;  // share the window
    std::size_t keys = 0;     // that calls are spread over; 0: they have none
    double zipf = 0;          // how unevenly; see bench_keys
    std::uint64_t seed = 1;

    /// An open loop; if there is none, a closed one.
    std::optional<bench_load> load;
    bench_load warmup_load;  // of the open loop: the same rate; of a trace none

    std::size_t requests = 0;  // of the closed loop
    std::size_t warmup = 0;
    std::chrono::nanoseconds at_most = bench_loop::unlimited;

    /// Calls that it is to make, if time does not end it first.
    [[nodiscard]] std::size_t calls() const noexcept { return load ? load->calls() : requests; }
};

/// Throws `usage_error`.
[[nodiscard]] bench_plan plan_bench(const bench_arguments& given);

/// As --arrivals spells it.
[[nodiscard]] const char* name_of(bench_arrivals arrivals) noexcept;

}  // namespace dunlin::program
