// SPDX-License-Identifier: Apache-2.0
//
// What one of those who have a say in a function's scaling has said: its author, a node's file, or
// an operator while it runs.
//
// Each may leave any of it open, so that the next one decides; who counts for more is decided where
// a node puts them together (runtime/scale_layers.hpp). Checked before it gets here. Plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace dunlin::actors {

/// Whose calls go first when there is more to do than a node has time for.
enum class function_priority : std::uint8_t { low = 1, normal = 2, high = 3 };

struct scale_wishes {
    std::optional<std::size_t> min{};                        // activations that stay
    std::optional<std::size_t> max{};                        // activations at most
    std::optional<std::chrono::microseconds> target_wait{};  // of a call, before it starts
    std::optional<std::chrono::microseconds> idle{};         // that an activation stays unused
    std::optional<function_priority> priority{};
    std::optional<std::uint32_t> weight{};  // share among functions of one priority

    friend bool operator==(const scale_wishes&, const scale_wishes&) = default;
};

}  // namespace dunlin::actors
