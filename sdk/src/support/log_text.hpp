// SPDX-License-Identifier: Apache-2.0
//
// The form of a log line: a sentence and `key=value` pairs.
//
// Whatever text comes from peers, members, modules or their authors: a line stays one line, it
// moves no terminal's cursor, a value cannot pretend to be two, and it can be taken apart again.
// Escaped are control characters, bytes that are not UTF-8, and what makes readers break or turn
// a line (U+2028, U+2029, marks of direction). A value with anything else that could be mistaken
// is quoted, and so is a text that reads like a number. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dunlin::support {

/// Appends a sentence; quotes and backslashes stay as they are.
void append_log_text(std::string& to, std::string_view text);

/// Appends a value of type text, in quotes where they are needed.
void append_log_value(std::string& to, std::string_view value);

/// Whether the whole text is a number as JSON writes it.
[[nodiscard]] bool is_json_number(std::string_view text) noexcept;

}  // namespace dunlin::support
