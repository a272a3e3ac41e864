// SPDX-License-Identifier: Apache-2.0
//
// Histories as text: a JSON object a line, for each operation that has ended.
//
//     {"key":"ann","id":7,"op":"add","end":"ok","called_ns":12,"ended_ns":15,"count":3}
//     {"key":"bob","id":8,"op":"append","end":"unknown","called_ns":13}
//     {"key":"bob","id":9,"op":"read","end":"ok","called_ns":16,"ended_ns":18,"entries":[5,8]}
//
// `op` is add, append, read or erase, `end` is ok, not_run or unknown. Other members are for other
// readers. Pure.
#pragma once

#include "tests/history/history.hpp"

#include <dunlin/result.hpp>

#include <string>
#include <string_view>

namespace dunlin::history {

/// Without a line end.
[[nodiscard]] std::string line_of(std::string_view key, const operation& which);
/// Adds what the line tells. The error says what is wrong with it.
[[nodiscard]] result<void> read_line(std::string_view line, keyed_history& into);

}  // namespace dunlin::history
