// SPDX-License-Identifier: Apache-2.0
//
// What the gate counts. Its thread writes, any thread reads.
#pragma once

#include "support/counter.hpp"

namespace dunlin::runtime {

using support::counter;

struct gate_counters {
    counter keys_refused;         // connections of strangers
    counter questions_malformed;  // of ZeroMQ, which a defect alone could explain
    counter allow_list_reloads;
    counter allow_list_failures;  // new lists that could not be read
};

}  // namespace dunlin::runtime
