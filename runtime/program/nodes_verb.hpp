// SPDX-License-Identifier: Apache-2.0
//
// `dunlin nodes`: lists the members of a node's cluster.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_nodes(CLI::App& program);

}  // namespace dunlin::program
