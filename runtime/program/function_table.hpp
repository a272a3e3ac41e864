// SPDX-License-Identifier: Apache-2.0
//
// Functions as people and programs read them: what they take, return, and are for.
//
// Types are said in words, from their JSON Schema; "*" marks fields that an input must have. Pure.
// For source files only.
#pragma once

#include "runtime/program/function_list.hpp"

#include <string>
#include <string_view>

namespace dunlin::program {

/// A line for each function, with its nodes if there are several, and whose they are.
[[nodiscard]] std::string functions_table(const function_list& list);

/// A JSON array with one function a line.
[[nodiscard]] std::string functions_json(const function_list& list);

/// One function as a JSON object on one line.
[[nodiscard]] std::string function_json(const listed_function& function);

/// One function with its whole types.
[[nodiscard]] std::string function_details(const listed_function& function,
                                           const function_list& list);

/// A JSON Schema as a person would say it: "{url*: string, text: string}", "[integer]", "any".
[[nodiscard]] std::string short_schema(std::string_view schema);

}  // namespace dunlin::program
