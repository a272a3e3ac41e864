// SPDX-License-Identifier: Apache-2.0
//
// From what a person calls a module to the file that holds it.
//
// A text with a slash is a path and taken as it is. A bare name (`bench`, `text.so`) is a file of
// the working directory if there is one, and otherwise looked for in the module folders: those of
// DUNLIN_MODULE_PATH, then the ones that belong to this installation or build tree. So that
// `--module bench` works wherever Dunlin is installed. Reads the file system, changes nothing;
// safe from any thread.
#pragma once

#include <dunlin/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

/// The folders in which bare names are looked up, in order. Not all of them need exist.
[[nodiscard]] std::vector<std::filesystem::path> module_folders();

/// The absolute path of a module's file. The error is `not_found` and names the path, or the
/// folders that were searched and the nearest module in them.
[[nodiscard]] result<std::filesystem::path> find_module(
    std::string_view name, const std::vector<std::filesystem::path>& folders = module_folders());

}  // namespace dunlin::runtime
