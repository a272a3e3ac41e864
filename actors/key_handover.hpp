// SPDX-License-Identifier: Apache-2.0
//
// The keys of a space when its node's rights to them change.
//
// Looks at all keys in memory, which takes a while where there are many, and happens when members
// change. Owned by `owner_keeper`; one thread at a time, beside all who work with the space.
#pragma once

#include "actors/state_space.hpp"

#include <cstddef>
#include <vector>

namespace dunlin::actors {

class key_handover {
public:
    /// @pre nodes share its store
    explicit key_handover(state_space& of) noexcept : space_(of) {}

    [[nodiscard]] state_space& space() const noexcept { return space_; }
    /// Who waits for a right that is there now goes on; what is another node's is dropped.
    /// @returns what waits at keys of others, to be sent there.
    [[nodiscard]] std::vector<key_turns::waiter> rights_changed() const;
    /// Keys that are being given up, and are in a turn or on their way to the store.
    [[nodiscard]] std::size_t busy_leaving() const;
    /// What works with those now works in vain.
    void give_up_leaving() const;

private:
    state_space& space_;
};

}  // namespace dunlin::actors
