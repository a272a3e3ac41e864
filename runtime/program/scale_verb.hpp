// SPDX-License-Identifier: Apache-2.0
//
// `dunlin scale`: how a function is scaled on each node, and changes that for the whole cluster.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_scale(CLI::App& program);

}  // namespace dunlin::program
