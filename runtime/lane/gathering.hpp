// SPDX-License-Identifier: Apache-2.0
//
// What a lane holds while it reads one frame: the frame's memory, and the bundles being filled.
//
// Calls for one pool that follow each other share a bundle; calls that go to other nodes stand in
// bundles of their own, which nobody runs, so that what is needed to send them again stays.
// Lives on the stack of the lane's thread for the time of one frame.
#pragma once

#include "actors/bundle.hpp"
#include "runtime/lane/call_window.hpp"
#include "runtime/lane/frame_budget.hpp"

#include <dunlin/result.hpp>

#include <zmq.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace dunlin::actors {
class pool;
}

namespace dunlin::runtime {

struct function_route;

/// A received frame, kept alive by the bundles whose invocations point into it.
class received_frame final : public actors::frame_memory {
public:
    received_frame(zmq::message_t message, frame_budget& counted_by) noexcept
        : message_(std::move(message)),
          budget_(counted_by),
          fits_(counted_by.take(message_.size())) {}
    ~received_frame() override { budget_.give_back(message_.size()); }
    [[nodiscard]] bool fits() const noexcept { return fits_; }
    [[nodiscard]] bytes_view view() const noexcept {
        return {static_cast<const std::byte*>(message_.data()), message_.size()};
    }

private:
    zmq::message_t message_;
    frame_budget& budget_;
    const bool fits_;
};

struct gathering {
    received_frame& memory;
    actors::pool* pool = nullptr;
    function_route* route = nullptr;  // when other nodes serve `function` too
    std::string_view function{};
    std::string_view judged{};  // on a node with a key: whether the peer may call this function
    bool permitted = false;
    std::optional<error> unknown{};  // when no pool serves `function`
    actors::bundle_ptr work{};
    actors::bundle_ptr away{};
    std::size_t envelopes_expected = 1;
    call_window::ticket named{};  // of the call being read, until it has an entry
};

}  // namespace dunlin::runtime
