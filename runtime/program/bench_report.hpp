// SPDX-License-Identifier: Apache-2.0
//
// What a benchmark found, for people and for programs. Pure; any thread.
#pragma once

#include "runtime/program/bench_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace dunlin::program {

struct bench_report {
    std::string function;
    std::size_t window = 0;
    std::size_t size = 0;  // bytes of the input
    std::size_t threads = 1;
    double seconds = 0;
    bench_loop::outcome outcome;

    [[nodiscard]] std::uint64_t errors() const noexcept;
    [[nodiscard]] std::uint64_t requests() const noexcept;
    /// One object on one line. Latencies and the rate are those of the calls that succeeded.
    [[nodiscard]] std::string json() const;
    [[nodiscard]] std::string summary() const;
};

}  // namespace dunlin::program
