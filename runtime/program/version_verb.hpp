// SPDX-License-Identifier: Apache-2.0
//
// `dunlin version`: says what this build is.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_version(CLI::App& program);

}  // namespace dunlin::program
