// SPDX-License-Identifier: Apache-2.0
//
// Options of verbs that make calls of a trace, in virtual time or at a node, read the same way by
// all of them. What cannot be used is thrown as `usage_error`. Pure; main thread.
#pragma once

#include "runtime/rehearsal/arrivals.hpp"

#include <cstdint>
#include <string>

namespace dunlin::program {

/// In nanoseconds, a day at most.
[[nodiscard]] std::int64_t read_load_time(const std::string& option, const std::string& text);
/// The standard deviation of service times, by their mean.
[[nodiscard]] double read_cv(const std::string& text);
[[nodiscard]] runtime::rehearsal::arrival_kind read_arrivals(const std::string& text);

}  // namespace dunlin::program
