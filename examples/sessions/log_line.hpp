// SPDX-License-Identifier: Apache-2.0
//
// One line of an access log in the combined format, as nginx and Apache write it:
//
//     203.0.113.9 - ann [10/Oct/2026:13:55:36 +0200] "GET /a?b=c HTTP/1.1" 200 2326 "-"
//     "Mozilla/5.0"
//
// Logs have lines that were cut, and requests that were none: what does not fit is said to be bad,
// and never a reason to stop. Plain functions; views point into the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sessions {

struct log_line {
    std::string_view visitor;  // the address
    std::string_view page;     // the target without its query
    std::int64_t seconds = 0;  // since 1970
    std::uint64_t bytes = 0;   // of the answer
    bool view = false;         // a GET that was answered with a page, or with where it is
};

/// @returns nothing for a line that is not in the format.
[[nodiscard]] std::optional<log_line> read_line(std::string_view line);

/// A key has at most 255 bytes. A longer text is cut, and told apart by its hash.
[[nodiscard]] std::string key_of(std::string_view text);

}  // namespace sessions
