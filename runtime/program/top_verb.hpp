// SPDX-License-Identifier: Apache-2.0
//
// `dunlin top`: what goes on in a cluster, as it goes on.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_top(CLI::App& program);

}  // namespace dunlin::program
