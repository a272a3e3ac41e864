// SPDX-License-Identifier: Apache-2.0
//
// What an activation is given to do: a bundle, or calls that hold a key. A value.
#pragma once

#include "actors/bundle.hpp"
#include "actors/key_turns.hpp"

#include <cstdint>

namespace dunlin::actors {

class activation;

struct pool_work {
    bundle_ptr work;
    key_grant held;

    explicit operator bool() const noexcept { return work || !held.turns.empty(); }
    /// An activation is started for it. `keyed`: calls of the bundle that wait for a key are
    /// somebody else's. @returns how many calls that are.
    std::uint32_t mark_cold(bool keyed) const noexcept;
    void start_on(activation& ready) &&;
};

/// Calls of a bundle that hold their keys.
[[nodiscard]] std::uint32_t holders_in(bundle& work) noexcept;

}  // namespace dunlin::actors
