// SPDX-License-Identifier: Apache-2.0
//
// `dunlin node`: runs a node until it is told to stop.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_node(CLI::App& program);

}  // namespace dunlin::program
