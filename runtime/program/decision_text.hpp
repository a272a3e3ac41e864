// SPDX-License-Identifier: Apache-2.0
//
// A decision of a node as a sentence.
//
// "12:03:04.512 n1 started the 3rd activation of text/count: no activation was idle (busy 2, queued
// 1)". Each kind of decision has its own; of one kind that this program does not know, the figures
// are told as they are. What a node says is shown, so it does nothing to a terminal. Pure but for
// the machine's time zone; any thread. For source files only.
#pragma once

#include "runtime/program/lenient_json.hpp"

#include <cstdint>
#include <string>

namespace dunlin::program {

/// `record` is one of those that `dunlin/explain` answers, with "node" added. With its date if that
/// is not the day of `now_us`. Ends with a line break.
[[nodiscard]] std::string decision_sentence(const json& record, std::int64_t now_us);

/// A Unix time in microseconds as of RFC 3339, in UTC: "2026-11-30T12:03:04.512000Z".
[[nodiscard]] std::string utc_text(std::int64_t time_us);

}  // namespace dunlin::program
