// SPDX-License-Identifier: Apache-2.0
//
// What a lane counts of those who ask for more than their key may have. One writer, the lane's
// thread; any thread reads.
#pragma once

#include "support/counter.hpp"

namespace dunlin::runtime {

using support::counter;

struct access_counters {
    counter impostors;           // pretended to be a node, or somebody else
    counter permission_denied;   // calls that the caller may not make
    counter calls_beyond_quota;  // more at once, or a second, than its key may make
    counter peers_expelled;      // their key was taken off the allow-list
};

}  // namespace dunlin::runtime
