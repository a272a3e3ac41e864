// SPDX-License-Identifier: Apache-2.0
//
// Records the load of a running cluster for `dunlin simulate --from`: for as long as was asked, or
// until a signal, which ends the recording and keeps what it has.
//
// Shows how far it is; what goes wrong with one node is told on standard error, and the others go
// on. Main thread.
#pragma once

#include "runtime/program/connection.hpp"
#include "runtime/program/signals.hpp"
#include "runtime/rehearsal/trace.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::program {

struct record_arguments {
    static constexpr std::chrono::hours duration_max{1};

    connection_options connection;  // no nodes: nothing is recorded
    std::vector<std::string> functions;
    std::chrono::nanoseconds duration = std::chrono::minutes(10);
};

struct recording {
    std::optional<runtime::rehearsal::trace> load;
    std::int64_t begin_unix_ns = 0;
    /// Without a load: what to exit with. Why has been said.
    int exit_code = 0;
};

[[nodiscard]] recording record_load(const record_arguments& given, const signals& stop);

/// Writes it to a file as `dunlin simulate` reads it, and for several functions what they take to
/// another one beside it. @returns the options that rehearse it from there; empty if it could not
/// be written, which has been said.
[[nodiscard]] std::string save_recording(const recording& of, const std::string& path);

}  // namespace dunlin::program
