// SPDX-License-Identifier: Apache-2.0
//
// A received frame, kept alive by the bundles whose invocations point into it.
//
// Counted in the node's budget from when it is begun until the last of them is gone. Made by the
// lane; let go by whichever thread lets the last bundle go.
#pragma once

#include "actors/bundle.hpp"
#include "runtime/lane/frame_budget.hpp"

#include <zmq.hpp>

#include <cstddef>
#include <utility>

namespace dunlin::runtime {

class budgeted_frame final : public actors::frame_memory {
public:
    budgeted_frame(zmq::message_t message, frame_budget& counted_by) noexcept
        : message_(std::move(message)),
          budget_(counted_by),
          fits_(counted_by.take(message_.size())) {}
    ~budgeted_frame() override { budget_.give_back(message_.size()); }
    [[nodiscard]] bool fits() const noexcept { return fits_; }
    [[nodiscard]] bytes_view view() const noexcept {
        return {static_cast<const std::byte*>(message_.data()), message_.size()};
    }

private:
    zmq::message_t message_;
    frame_budget& budget_;
    const bool fits_;
};

}  // namespace dunlin::runtime
