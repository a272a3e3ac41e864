// SPDX-License-Identifier: Apache-2.0
//
// `dunlin functions`: lists what can be called at a node.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_functions(CLI::App& program);

}  // namespace dunlin::program
