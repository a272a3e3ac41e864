// SPDX-License-Identifier: Apache-2.0
//
// From the command line of `dunlin simulate` to what is rehearsed. Reads the trace's files; what
// cannot be used is thrown as `usage_error`, with what to do. Main thread.
#pragma once

#include "runtime/rehearsal/rehearse.hpp"

#include <string>
#include <vector>

namespace dunlin::program {

struct simulate_arguments {
    std::string trace;
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
    std::size_t seed = 1;
    bool json = false;
};

struct rehearsal {
    runtime::rehearsal::trace load;
    std::vector<runtime::rehearsal::policy_choice> policies;
    runtime::rehearsal::rehearsal_plan plan;
};

[[nodiscard]] rehearsal plan_rehearsal(const simulate_arguments& given);

/// What a plot calls a function.
[[nodiscard]] std::string title_of(const runtime::rehearsal::trace& load, std::size_t index);

}  // namespace dunlin::program
