// SPDX-License-Identifier: Apache-2.0
//
// A picture of rehearsals: for each function its load, its actors under each policy beside those
// that were busy, and the longest wait, over time. SVG, with nothing from outside. Pure.
#pragma once

#include "runtime/rehearsal/rehearse.hpp"

#include <span>
#include <string>

namespace dunlin::runtime::rehearsal {

/// `titles` of the functions of which the outcomes have timelines, in their order.
[[nodiscard]] std::string plot(std::span<const outcome> outcomes,
                               std::span<const std::string> titles);

}  // namespace dunlin::runtime::rehearsal
