// SPDX-License-Identifier: Apache-2.0
//
// `dunlin simulate`: replays a recorded load through scaling policies in virtual time.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_simulate(CLI::App& program);

}  // namespace dunlin::program
