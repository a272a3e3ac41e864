// SPDX-License-Identifier: Apache-2.0
//
// A trace replayed through a policy in virtual time.
//
// All functions of the trace share one timeline, so that what exists at once is counted at once.
// The same seed gives every policy the same arrivals and the same service times, call by call.
// Ends when the trace has and all calls have, or when the watcher says so; then the figures are
// those until that moment. Memory: what runs and waits, and one slot for each function. Pure, one
// thread; different rehearsals may run on different ones.
#pragma once

#include "actors/elastic_policy.hpp"
#include "runtime/rehearsal/arrivals.hpp"
#include "runtime/rehearsal/policy_choice.hpp"
#include "runtime/rehearsal/tally.hpp"
#include "runtime/rehearsal/trace.hpp"

#include <functional>
#include <string>
#include <vector>

namespace dunlin::runtime::rehearsal {

struct rehearsal_plan {
    actors::elastic_bounds bounds{.max = 10'000};
    arrival_kind arrivals = arrival_kind::poisson;
    double cv = 0;  // coefficient of variation of service times
    std::int64_t start_ns = 100'000;
    std::uint64_t seed = 1;
    /// Periods, seconds of bursts, and the constants of baselines are so many times shorter.
    std::int64_t compress = 1;
    /// Functions, by their place in the trace, of which a timeline is kept, and its slots.
    std::vector<std::size_t> recorded;
    std::size_t slots = 600;
};

struct outcome {
    std::string policy;
    tally totals;
    std::vector<timeline> timelines;  // of `recorded`, in that order
    double seconds = 0;               // virtual time that passed
    bool whole = true;                // false if the watcher ended it

    [[nodiscard]] double oracle_ratio() const noexcept;
    [[nodiscard]] double starts_per_second() const noexcept;
};

/// Is told now and then which part of the trace's time has passed; false ends the rehearsal.
using watcher = std::function<bool(double part)>;

/// Each function of the trace has a service time.
[[nodiscard]] outcome rehearse(const trace& load, const policy_choice& policy,
                               const rehearsal_plan& plan, const watcher& watch);

}  // namespace dunlin::runtime::rehearsal
