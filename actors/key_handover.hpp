// SPDX-License-Identifier: Apache-2.0
//
// The keys of a space when its node's rights to them change.
//
// Looks at all keys in memory, which takes a while where there are many, and happens when members
// change. `owner_keeper` has one, and `key_offers` another for single keys; each is for one thread
// at a time, beside all who work with the space.
#pragma once

#include "actors/state/hottest_keys.hpp"
#include "actors/state_space.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace dunlin::actors {

class key_handover {
public:
    /// @pre nodes share its store
    explicit key_handover(state_space& of) noexcept : space_(of) {}

    [[nodiscard]] state_space& space() const noexcept { return space_; }
    /// Who waits for a right that is there now goes on; what is another node's is dropped, and told
    /// to `hottest` under that number, unless it is null.
    /// @returns what waits at keys of others, to be sent there.
    [[nodiscard]] std::vector<key_turns::waiter> rights_changed(hottest_keys* hottest = nullptr,
                                                                std::size_t number = 0) const;
    /// Keys that are being given up, and are in a turn or on their way to the store.
    [[nodiscard]] std::size_t busy_leaving() const;
    /// What works with those now works in vain.
    void give_up_leaving() const;

    /// So many keys that have moved were named to their new owners.
    void note_offered(std::size_t keys) const;
    /// What is to be done with a key that its owner before has named to this node.
    enum class offered : std::uint8_t {
        later,    // it is not this node's, or not yet
        nothing,  // its value is in memory or on the way there, or there is no room
        read,     // ... is not: it counts as taken from now on
    };
    [[nodiscard]] offered look_at(std::string_view key) const;

private:
    state_space& space_;
};

}  // namespace dunlin::actors
