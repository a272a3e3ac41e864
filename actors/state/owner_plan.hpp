// SPDX-License-Identifier: Apache-2.0
//
// From views of the cluster to rights: what a node may do with a partition while it goes from one
// view to the next.
//
// It gives up first what the next view takes from it, and announces that view when all of that has
// ended; what both views give to it, it goes on with. Pure.
#pragma once

#include "actors/state/key_rights.hpp"
#include "actors/state/owner_lease.hpp"

namespace dunlin::actors {

/// Whether a partition is the node's.
struct partition_views {
    bool kept = false;  // by the view that all agreed on last, and by each that it announced since
    bool announced = false;  // by the one that it has announced last
    bool next = false;       // by the one that it is about to announce
};

[[nodiscard]] constexpr key_right right_of(owner_lease::phase now, bool next_is_announced,
                                           const partition_views& mine) noexcept {
    using phase = owner_lease::phase;
    if (now == phase::silent) return key_right::wait;
    if (!next_is_announced) {
        // Nothing of what rivals write may arrive when others have agreed.
        if (now == phase::rivals && mine.announced) return key_right::leaving;
        if (!mine.next) return mine.announced ? key_right::leaving : key_right::foreign;
        if (!mine.announced) return key_right::wait;
    }
    if (!mine.announced) return key_right::foreign;
    switch (now) {
        case phase::agreed: return key_right::own;
        case phase::rivals: return key_right::rival;
        default: return mine.kept ? key_right::own : key_right::wait;
    }
}

}  // namespace dunlin::actors
