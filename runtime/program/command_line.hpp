// SPDX-License-Identifier: Apache-2.0
//
// From the arguments of the process to the verb they name.
//
// Reads the command line, answers --help, and turns what is wrong with it into one sentence that
// names the nearest thing that exists. Main thread, once per process.
#pragma once

#include "runtime/program/verb.hpp"

#include <span>

namespace dunlin::program {

/// Runs the verb that the arguments name. Returns the process's exit code.
[[nodiscard]] int run_command_line(int argument_count, char** arguments,
                                   std::span<const add_verb> verbs);

}  // namespace dunlin::program
