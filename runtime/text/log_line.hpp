// SPDX-License-Identifier: Apache-2.0
//
// A log line as JSON: its sentence and its `key=value` pairs as members of an object.
//
// Takes lines as support/log_text.hpp writes them. A number and true or false become what they are
// in JSON, everything else a string. What looks like pairs at the end of somebody's sentence
// becomes members as well; of two of one name the last one counts, which is the node's own, and
// nobody's pair replaces "time", "level" or "message". A line full of quotes and spaces takes no
// longer than any other. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

struct log_pair {
    std::string_view name;
    std::string_view value;  // with its quotes and escapes, if it has any
};

struct log_line {
    std::string_view message;
    std::vector<log_pair> pairs;
};

/// Views into `line`.
[[nodiscard]] log_line split_log_line(std::string_view line);

/// Appends `"message":"...","name":value,...`.
void append_log_json(std::string& to, std::string_view line);

}  // namespace dunlin::runtime
