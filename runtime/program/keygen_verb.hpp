// SPDX-License-Identifier: Apache-2.0
//
// `dunlin keygen`: makes a key pair for the nodes of a cluster, or for a client.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_keygen(CLI::App& program);

}  // namespace dunlin::program
