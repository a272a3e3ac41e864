// SPDX-License-Identifier: Apache-2.0
//
// From the command line of `dunlin simulate` to what is rehearsed. Reads the trace's files, or
// takes what has been recorded; what cannot be used is thrown as `usage_error`, with what to do.
// Main thread.
#pragma once

#include "runtime/program/record_load.hpp"
#include "runtime/rehearsal/rehearse.hpp"

#include <optional>
#include <string>
#include <vector>

namespace dunlin::program {

struct simulate_arguments {
    std::vector<std::string> words;  // the trace; or what is recorded
    record_arguments record;
    std::string record_for;
    std::string save;
    std::string durations;
    std::string service_time;
    std::string cv = "0";
    std::string arrivals = "poisson";
    std::string start_cost = "100us";
    std::string settings;
    std::vector<std::string> policies;
    std::vector<std::string> functions;
    std::string plot;
    std::size_t compress = 1;
    std::size_t one_in = 1;
    std::size_t seed = 1;
    bool json = false;
};

struct rehearsal {
    runtime::rehearsal::trace load;
    std::vector<runtime::rehearsal::policy_choice> policies;
    runtime::rehearsal::rehearsal_plan plan;
};

/// All but the load, so that a mistake is found before anything is recorded.
[[nodiscard]] rehearsal plan_rehearsal(const simulate_arguments& given);

/// The load from the files that are given.
void read_load(const simulate_arguments& given, rehearsal& to);
/// The load that has been recorded.
void take_load(const simulate_arguments& given, runtime::rehearsal::trace load, rehearsal& to);

/// What a plot calls a function.
[[nodiscard]] std::string title_of(const runtime::rehearsal::trace& load, std::size_t index);

}  // namespace dunlin::program
