// SPDX-License-Identifier: Apache-2.0
//
// What modules say of the keys and the state of their functions, checked when they are loaded.
//
// A module may be written in C or against another version of Dunlin, so its description of a type
// of state is taken as far as its own size says, and no code is called that is not there. A path to
// a key that leads nowhere in the input's schema would make every call fail: it is refused here.
// And a space belongs to no module: those that name one have to mean the same state, kept in the
// same way.
// Part of `module_loader`; one thread, while a node starts.
#pragma once

#include "actors/function_info.hpp"
#include "runtime/module_loader.hpp"

#include <dunlin/abi.h>
#include <dunlin/result.hpp>

#include <span>

namespace dunlin::runtime {

/// Takes over what the function's description says of keys and state; it is as long as this build
/// knows it, and zero where the module's ends before. Errors: a clause about the function.
[[nodiscard]] result<void> read_state(const dunlin_function& raw, actors::function_info& to);

/// Refuses modules that declare one space with different types of state, or in different modes,
/// naming both functions. Otherwise each function with state then has the mode of its space, which
/// is durable where nobody says another.
[[nodiscard]] result<void> settle_spaces(std::span<loaded_module> modules);

}  // namespace dunlin::runtime
