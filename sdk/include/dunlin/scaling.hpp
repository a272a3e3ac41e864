// SPDX-License-Identifier: Apache-2.0
//
// What the author of a function says about its scaling, where the defaults do not do.
//
//     m.function("render", render).scale({.max = 4, .idle = 30s, .priority =
//     dunlin::priority::low});
//
// A node starts actors of a function when calls need them and ends them when they do not; most
// functions need no word about that. Each field may be left out: then it is left to the node. All
// of it counts for each node by itself, and operators may set each field otherwise, in a node's
// configuration and at run time (`dunlin scale`). Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace dunlin {

/// Whose calls go first when a node has more to do than time.
enum class priority : std::uint8_t { low = 1, normal = 2, high = 3 };

struct scaling {
    static constexpr std::int64_t activations_max = 131'072;
    static constexpr std::int64_t weight_max = 1'000;
    static constexpr std::chrono::microseconds target_wait_min{1};
    static constexpr std::chrono::microseconds target_wait_max = std::chrono::hours(1);
    static constexpr std::chrono::microseconds idle_max = std::chrono::hours(24);

    /// Actors that stay, however quiet it is: for a function whose first call must not wait for a
    /// start. 0 to `activations_max`, and not above `max`. Default: 0.
    std::optional<std::int64_t> min{};
    /// Actors at most, and so many calls at once: for what bears no more, such as a database.
    /// 1 to `activations_max`. Default: as many as are of use, by the kind of the function.
    std::optional<std::int64_t> max{};
    /// Calls should wait no longer than this before they start. 1 us to 1 h. Default: 5 ms.
    std::optional<std::chrono::microseconds> target_wait{};
    /// An actor without work stays at least so long: for a function whose actors are dear to start.
    /// Up to 24 h. Default: 0, the node decides by what a start costs.
    std::optional<std::chrono::microseconds> idle{};
    /// Default: normal.
    std::optional<dunlin::priority> priority{};
    /// Its share of the node's time among functions of its priority. 1 to `weight_max`. Default: 1.
    std::optional<std::int64_t> weight{};
};

}  // namespace dunlin
