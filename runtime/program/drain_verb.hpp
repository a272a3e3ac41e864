// SPDX-License-Identifier: Apache-2.0
//
// `dunlin drain`: takes a node out of its cluster without a call being lost.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_drain(CLI::App& program);

}  // namespace dunlin::program
