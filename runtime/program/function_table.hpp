// SPDX-License-Identifier: Apache-2.0
//
// What a node says about its functions, for people and for programs.
//
// The node's answer may come from another version: what is missing is left out, what is unknown
// is kept in the JSON and ignored in the table. Pure; any thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <string>
#include <string_view>

namespace dunlin::program {

/// A table with one function a line.
[[nodiscard]] result<std::string> functions_table(bytes_view payload);

/// A JSON array with one function a line.
[[nodiscard]] result<std::string> functions_json(bytes_view payload);

/// A JSON Schema as a person would say it: "{url: string, text: string}", "[integer]", "any".
[[nodiscard]] std::string short_schema(std::string_view schema);

}  // namespace dunlin::program
