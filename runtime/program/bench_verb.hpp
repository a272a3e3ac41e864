// SPDX-License-Identifier: Apache-2.0
//
// `dunlin bench`: measures calls through the public client.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_bench(CLI::App& program);

}  // namespace dunlin::program
