// SPDX-License-Identifier: Apache-2.0
//
// `dunlin explain`: why the nodes of a cluster did what they did, as sentences.
#pragma once

#include "runtime/program/verb.hpp"

namespace dunlin::program {

[[nodiscard]] verb add_explain(CLI::App& program);

}  // namespace dunlin::program
