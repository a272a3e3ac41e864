// SPDX-License-Identifier: Apache-2.0
//
// `dunlin invoke --lines`: a stream of inputs, one JSON a line, through one function.
//
// Many calls are in flight, yet results come out in the order of their inputs, and the memory is
// bounded by the window whatever the length of the stream. Results are printed as soon as their
// turn comes, so it also serves as a filter in a pipe that never ends. Main thread.
#pragma once

#include "runtime/program/line_reader.hpp"
#include "runtime/program/outcome_text.hpp"
#include "runtime/program/signals.hpp"

#include <dunlin/client.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace dunlin::program {

struct line_options {
    std::string function;
    std::string key;
    std::string trace;  // empty: each line gets its own
    std::size_t window = 0;
    output_form form = output_form::value;
    std::chrono::microseconds patience{};  // with calls that a full queue refuses
};

/// Returns the exit code.
[[nodiscard]] int invoke_lines(client& through, line_reader input, signals& stop,
                               const line_options& options);

}  // namespace dunlin::program
