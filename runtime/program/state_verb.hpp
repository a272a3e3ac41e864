// SPDX-License-Identifier: Apache-2.0
//
// `dunlin state`: what is kept under the keys of a cluster, for people and scripts: spaces, keys,
// values; changing and deleting them, and taking them out and in again. Main thread.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_state(CLI::App& program);

}  // namespace dunlin::program
