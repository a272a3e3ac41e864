// SPDX-License-Identifier: Apache-2.0
//
// `dunlin invoke`: calls one function, or one function many times.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_invoke(CLI::App& program);

}  // namespace dunlin::program
