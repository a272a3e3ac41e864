// SPDX-License-Identifier: Apache-2.0
//
// `dunlin completion`: teaches a shell the verbs and options.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_completion(CLI::App& program);

}  // namespace dunlin::program
