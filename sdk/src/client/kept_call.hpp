// SPDX-License-Identifier: Apache-2.0
//
// What it takes to send a call again, and what is known of where it was sent.
//
// Made for a slot of the call table when a call there first needs it, and used again with the
// slot, so that keeping costs one copy of the payload. Guarded by the driver's mutex.
#pragma once

#include "cluster/call_losses.hpp"
#include "support/timer_wheel.hpp"
#include "wire/frame_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::link {

class channel;
struct call;

struct kept_call {
    /// A slot goes on with as much memory as this; more is freed when its call ends.
    static constexpr std::size_t slot_bytes_max = 4u << 10;

    /// Fires when a copy of the call is due elsewhere.
    struct copy_timer : support::timer_node {
        call* of = nullptr;
    };

    bool usable = false;  // all that follows belongs to the slot's present call
    wire::frame_buffer payload;
    std::string key;
    std::string trace;
    std::vector<std::uint64_t> tried;  // instances of nodes that the call was sent to
    std::uint32_t retries_left = 0;
    std::uint8_t attempts = 0;    // beyond the first
    bool may_have_run = false;    // an attempt that has ended
    cluster::call_losses losses;  // see `wire::losses_max`
    std::string lost_with;        // the first that was lost here
    std::int64_t sent_ns = 0;     // the attempt that the call's own channel has
    channel* second = nullptr;    // has a copy of the call
    std::uint8_t second_attempt = 0;
    std::int64_t second_sent_ns = 0;
    std::uint64_t retry_after_us = 0;  // smallest hint of nodes that were overloaded; 0: none
    std::uint32_t function = 0;        // its number, where copies are wanted
    std::int64_t begun_ns = 0;         // 0: how long it takes does not matter
    copy_timer copy;

    void note_tried(std::uint64_t instance) {
        if (!was_tried(instance)) tried.push_back(instance);
    }
    [[nodiscard]] bool was_tried(std::uint64_t instance) const noexcept {
        return std::find(tried.begin(), tried.end(), instance) != tried.end();
    }
    void begin(std::string_view with_key, std::string_view with_trace, std::uint32_t retries) {
        usable = true;
        payload.clear();
        key.assign(with_key);
        trace.assign(with_trace);
        tried.clear();
        retries_left = retries;
        attempts = 0;
        may_have_run = false;
        losses = {};
        lost_with.clear();
        second = nullptr;
        retry_after_us = 0;
        sent_ns = 0;
        begun_ns = 0;
    }
    void end() noexcept {
        usable = false;
        second = nullptr;
        support::timer_wheel::remove(copy);
        if (payload.capacity > slot_bytes_max) payload = wire::frame_buffer();
        payload.clear();
    }
};

}  // namespace dunlin::link
