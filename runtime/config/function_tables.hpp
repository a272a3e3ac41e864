// SPDX-License-Identifier: Apache-2.0
//
// What a configuration file says of single functions: its tables [functions."text/count_words"].
//
// Read with the same care as the rest of the file (config_file.hpp). Whether there is such a
// function turns out when modules are loaded, so each table keeps its place for that error. For the
// reader of the file only; main thread.
#pragma once

#include "runtime/config/settings.hpp"

#include <dunlin/result.hpp>

#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Where something stands in a file, as the beginning of an error: "node.toml:3:1: ".
[[nodiscard]] std::string place_of(const std::string& path, const toml::source_region& at);
/// "the string \"a\"", "a list": what stands where something else was expected.
[[nodiscard]] std::string kind_of(const toml::node& node);

inline constexpr std::string_view functions_table = "functions";

/// Takes over the table `functions` of a file. Errors: `invalid_argument`.
[[nodiscard]] result<void> read_functions(const toml::node& table, const std::string& path,
                                          node_config& to);

}  // namespace dunlin::runtime
