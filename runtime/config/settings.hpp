// SPDX-License-Identifier: Apache-2.0
//
// Every option of `dunlin node`, once: its flag, its place in a configuration file, its type, its
// limits and its help.
//
// The command line, the TOML reader, `--print-config` and the help are all driven by this one
// table, so an option cannot exist in one and be missing in another. A new field of
// `node_config` takes one row. Plain data and pure functions; main thread.
#pragma once

#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dunlin::runtime {

struct log_options {
    /// trace, debug, info, warn, error or off. At info a healthy node is silent after its start.
    std::string level = "info";
    /// text or json.
    std::string format = "text";
};

struct settings {
    node_config node;
    log_options log;
};

// How to reach an option's field. The type says how its value is written.
struct text_field {
    std::string& (*of)(settings&);
    bool of_file = false;  // in a file, a relative one counts from the file's folder
    result<void> (*check)(std::string_view text) = nullptr;
};
struct list_field {
    std::vector<std::string>& (*of)(settings&);
    bool of_files = false;  // in a file, a relative one counts from the file's folder
    result<void> (*check)(std::string_view item) = nullptr;
};
struct switch_field {
    bool& (*of)(settings&);
};
struct count_field {
    std::size_t& (*of)(settings&);
    std::size_t least;
    std::size_t most;
};
struct size_field {
    std::size_t& (*of)(settings&);
    std::size_t least;
    std::size_t most;
};
struct duration_field {
    std::chrono::microseconds& (*of)(settings&);
    std::chrono::microseconds least;
    std::chrono::microseconds most;
};
using field =
    std::variant<text_field, list_field, switch_field, count_field, size_field, duration_field>;

struct setting {
    std::string_view flag;         // "--queue-depth-max"
    std::string_view table;        // "pools"
    std::string_view key;          // "queue_depth_max"
    std::string_view placeholder;  // what the help shows for the value; "a|b" lists the only ones
    std::string_view help;
    field where;

    /// "pools.queue_depth_max"
    [[nodiscard]] std::string full_key() const;
};

/// All settings, those of one table side by side.
[[nodiscard]] std::span<const setting> all_settings();

/// A value of a setting as the command line has it: one text, or several for a list. The error
/// says what was expected, without naming the option.
[[nodiscard]] result<void> assign(settings& to, const setting& what,
                                  const std::vector<std::string>& texts);

/// As `assign`, for a number that is already one.
[[nodiscard]] result<void> assign_number(settings& to, const setting& what, std::int64_t number);

/// "a whole number", "a duration such as \"10s\"", ...
[[nodiscard]] std::string_view expected_value(const setting& what);

/// The value as TOML writes it: 16, "10s", ["a.so", "b.so"].
[[nodiscard]] std::string as_toml(const settings& from, const setting& what);

/// The value for people: 16, 10s, a.so b.so. Empty when there is none.
[[nodiscard]] std::string as_text(const settings& from, const setting& what);

/// A configuration file that says what `from` says, each option with its help.
[[nodiscard]] std::string print_config(const settings& from);

}  // namespace dunlin::runtime
