// SPDX-License-Identifier: Apache-2.0
//
// Brings a module's file into the process and checks all that it says about itself.
//
// A module may be written in C, by another compiler, or against another version of Dunlin, so
// nothing it hands over is believed: versions and sizes first, then every name, pointer and
// count. What comes out is a copy in C++ types, and each refusal is a sentence that names the
// file and what to do about it.
//
// A module is never unloaded. Its code may be on the stack of a running call, its destructors in
// the queue of a library, its text in a log line; a process that changes modules starts anew.
//
// Called when a node starts, on one thread, before there is any other: when a module's global
// throws while it is made, the exception leaves the dynamic loader with its lock held, and every
// other thread would wait for that lock indefinitely. The process can then only say so and end.
#pragma once

#include "actors/function_info.hpp"

#include <dunlin/abi.h>
#include <dunlin/result.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

struct loaded_module {
    std::string name;
    std::string version;                           // empty: the module names none
    std::string path;                              // absolute
    std::vector<actors::function_info> functions;  // full names, in the module's order
};

/// Loads a module by path or bare name (see `find_module`). `host` must live as long as the
/// process. Errors: `not_found` for a missing file, `failed` for everything that is wrong with
/// the module; the detail starts with "module" and its path.
[[nodiscard]] result<loaded_module> load_module(std::string_view path, const dunlin_host& host);

/// What `load_module` checks once the symbol has been called; `path` only appears in errors.
[[nodiscard]] result<loaded_module> read_module_info(const std::string& path,
                                                     const dunlin_module_info* info);

/// Loads them in their order. The first that cannot be loaded is the error, or two of one name, or
/// two that mean different things by one space of state.
[[nodiscard]] result<std::vector<loaded_module>> load_modules(std::span<const std::string> files,
                                                              const dunlin_host& host);

/// Refuses two modules of one name, naming both files.
[[nodiscard]] result<void> check_distinct(std::span<const loaded_module> modules);

}  // namespace dunlin::runtime
