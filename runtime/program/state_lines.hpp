// SPDX-License-Identifier: Apache-2.0
//
// State as lines of JSON: what `dunlin state export` writes and `import` reads, and what --json
// prints of keys. Pure; any thread.
#pragma once

#include "runtime/program/state_questions.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

/// {"key": ..., "value": ..., "version": ..., "expires_ms": ...} and a line end.
[[nodiscard]] std::string line_of(std::string_view key, const state_value& value);

struct state_line {
    std::string key;
    bytes value;
    std::int64_t expires_ms = 0;
    /// From now until it ends; nothing if never.
    [[nodiscard]] std::optional<std::chrono::milliseconds> lifetime() const;
};
/// The error is about the line.
[[nodiscard]] result<state_line> read_line(std::string_view line);

[[nodiscard]] std::string keys_json(const std::vector<key_row>& keys);
/// "never", or "in 12 s".
[[nodiscard]] std::string expiry_text(std::int64_t expires_ms);

}  // namespace dunlin::program
