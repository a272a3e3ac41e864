// SPDX-License-Identifier: Apache-2.0
//
// What came of the calls of a loop: latencies of those that succeeded, and errors by their code.
// Plain value; one thread at a time. Outcomes of several loops are added up.
#pragma once

#include "support/log_histogram.hpp"

#include <dunlin/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dunlin::program {

struct bench_outcome {
    static constexpr std::size_t code_count = 32;

    support::log_histogram latencies;                // in nanoseconds
    std::array<std::uint64_t, code_count> errors{};  // by errc number
    std::string first_error;
    std::uint64_t cold_starts = 0;  // calls that paid for one

    void fail(const error& why);
    void add(bench_outcome&& other);
};

}  // namespace dunlin::program
