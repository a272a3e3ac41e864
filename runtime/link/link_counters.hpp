// SPDX-License-Identifier: Apache-2.0
//
// What a lane counts of its links and of the calls that other nodes run. One writer, the lane's
// thread; any thread reads.
#pragma once

#include "support/counter.hpp"

namespace dunlin::runtime {

using support::counter;

struct link_counters {
    counter frames_received;
    counter frames_malformed;
    counter answers_late;          // the second answer to a call, dropped
    counter calls_forwarded;       // sent to another node, again or for the first time
    counter calls_retried;         // sent again
    counter calls_lost_twice;      // and so not sent again
    counter calls_kept_for_owner;  // of their key, which was out of reach
    counter links_coming_up;       // now: to members, new, and of no use yet
};

}  // namespace dunlin::runtime
