// SPDX-License-Identifier: Apache-2.0
//
// Writes a trace as `read_trace` and `read_durations` read it: "period,count" for one function, a
// line for each and a column for each period for many. Times are UTC, to the millisecond. Pure but
// for the stream; any thread.
#pragma once

#include "runtime/rehearsal/trace.hpp"

#include <cstdint>
#include <ostream>

namespace dunlin::runtime::rehearsal {

/// `begin_unix_ns`: of the first period, whose length all have. A single period is followed by one
/// without calls, which says how long it was.
void write_trace(std::ostream& to, const trace& of, std::int64_t begin_unix_ns);

/// The mean service times of its functions, where they are known.
void write_durations(std::ostream& to, const trace& of);

}  // namespace dunlin::runtime::rehearsal
