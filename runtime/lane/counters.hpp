// SPDX-License-Identifier: Apache-2.0
//
// What a lane counts. Each counter has one writer, the lane's thread (the watchdog for takeovers),
// and any thread may read.
#pragma once

#include "runtime/lane/access_counters.hpp"
#include "runtime/link/link_counters.hpp"
#include "support/counter.hpp"

namespace dunlin::runtime {

using support::shared_counter;

struct lane_counters : link_counters, access_counters {
    counter turns;  // how often it looked for work
    counter frames_sent;
    counter frames_oversized;
    counter frames_before_hello;
    counter connections_refused;  // wrong protocol, version or role
    counter handshakes_failed;    // of ZeroMQ: no key, or one that does not fit
    counter invocations_received;
    counter replies_sent;
    counter failures_sent;
    shared_counter answers_after_end;  // the same, once the lane has answered all and ended
    counter answers_undeliverable;     // the asker was gone
    counter calls_overdue;             // their deadline had passed when they were read
    counter peers_connected;           // since the start
    counter peers_slow_dropped;        // did not read their replies
    counter peers_silent_dropped;      // had calls in flight and did not answer pings
    counter connections;               // now, with those that have not said hello
    counter connections_ended;         // by this node, for whatever reason; of them:
    counter connections_speechless;    // said no hello in time
    counter connections_flooding;      // sent more than the lane could read
    counter connections_beyond_limit;  // there were too few descriptors
    counter routing_ids_claimed;       // chose an id that only ZeroMQ makes up
    counter takeovers;                 // a function held the lane too long
    counter calls_cut_short;           // answered by the end of the lane
    counter peers;                     // now
    counter draining;                  // 1: takes no new connections' calls
    counter peers_unaware;  // now: may still send calls without knowing that this node drains
    counter calls_open;     // now
    counter members_seen;   // now, by this lane; published after the one before
};

}  // namespace dunlin::runtime
