// SPDX-License-Identifier: Apache-2.0
//
// What a benchmark found, for people and for programs: of a closed loop, or of an open one, which
// has more to tell (`bench_open_report`). Pure; any thread.
#pragma once

#include "runtime/program/bench_open_report.hpp"
#include "runtime/program/bench_outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::program {

struct bench_report {
    std::string function;
    std::size_t window = 0;
    std::size_t size = 0;  // bytes of the input
    std::size_t threads = 1;
    double seconds = 0;
    bench_outcome outcome;
    std::optional<bench_open_report> open;

    [[nodiscard]] std::uint64_t errors() const noexcept;
    /// Calls that were sent.
    [[nodiscard]] std::uint64_t requests() const noexcept;
    [[nodiscard]] bool all_succeeded() const noexcept;
    /// One object on one line. Latencies and the rate are those of the calls that succeeded.
    [[nodiscard]] std::string json() const;
    [[nodiscard]] std::string summary() const;
    /// For standard error, a sentence each: what failed, and what makes the figures doubtful.
    [[nodiscard]] std::vector<std::string> complaints() const;
};

}  // namespace dunlin::program
