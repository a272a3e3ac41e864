// SPDX-License-Identifier: Apache-2.0
//
// What `dunlin simulate` prints: a table for people, an object for scripts. Pure; any thread.
#pragma once

#include "runtime/rehearsal/rehearse.hpp"

#include <span>
#include <string>

namespace dunlin::program {

/// One line of JSON: {"trace": .., "policies": [{"policy": .., "busy_seconds": .., ...}, ...]}.
[[nodiscard]] std::string simulate_json(const std::string& trace,
                                        std::span<const runtime::rehearsal::outcome> outcomes);

[[nodiscard]] std::string simulate_table(std::span<const runtime::rehearsal::outcome> outcomes);

}  // namespace dunlin::program
