// SPDX-License-Identifier: Apache-2.0
//
// A timer of an operation of a function, in the wheel of the lane that keeps it.
//
// Armed and disarmed from any thread, by way of the lane's inbox; all else is for the thread that
// has the lane. It keeps itself alive while it is armed.
#pragma once

#include "actors/activation.hpp"
#include "actors/environment.hpp"
#include "runtime/calls/ledger.hpp"

#include <dunlin/result.hpp>

#include <cstdint>
#include <memory>

namespace dunlin::runtime {

class open_calls;

/// A timer of an operation, in a lane's wheel.
struct lane_timer : actors::operation_timer, wheel_item {
    explicit lane_timer(open_calls& keeper) noexcept : wheel_item(kind::operation), at(&keeper) {}
    open_calls* const at;
    std::shared_ptr<lane_timer> self;  // while armed
    bool disarmed = false;             // perhaps before the lane heard of it

    /// The lane and its clock end before the time has come: nobody may believe that it has.
    void fire_at_end() {
        if (code == 0) code = static_cast<std::int32_t>(errc::unavailable);
        owner->timer_fired(*this);
    }
};

}  // namespace dunlin::runtime
