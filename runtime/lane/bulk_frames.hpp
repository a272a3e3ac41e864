// SPDX-License-Identifier: Apache-2.0
//
// What a peer has sent that is too much to be read in one go.
//
// A frame may hold a million envelopes, or be 16 MiB. Read as a whole, it would hold up everybody
// else on the lane (head-of-line blocking). So a lane reads at most a slice of a frame in one go,
// and large frames only after the small ones of others; the peers that have more take turns (round
// robin). What is left waits here, and behind it all that the same peer sends later, so that its
// frames are read in their order.
// A frame that is not begun still counts as unread on its connection, which bounds what lies here.
// One for each peer that has such frames; for the lane's thread.
#pragma once

#include "runtime/lane/budgeted_frame.hpp"

#include <zmq.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace dunlin::runtime {

/// Larger frames wait until the lane has read what else has come.
inline constexpr std::size_t bulk_bytes_min = std::size_t{128} << 10;
/// About a millisecond's work.
inline constexpr std::size_t envelopes_per_slice = 1024;

/// A frame that has been begun. Between two slices only bundles point into it.
struct frame_reading {
    struct let_go {
        void operator()(budgeted_frame* frame) const noexcept { frame->release(); }
    };

    frame_reading(zmq::message_t message, memory_budget& counted_by, const frame_owner& of,
                  std::int64_t now_ns)
        : memory(new budgeted_frame(std::move(message), counted_by, of)),
          rest(memory->view()),
          since_ns(now_ns) {}

    std::unique_ptr<budgeted_frame, let_go> memory;
    bytes_view rest;        // what is not read yet
    std::int64_t since_ns;  // when its last slice was read
    bool welcomed = false;  // one welcome for all hellos in a frame: it is long
};

struct bulk_frames {
    struct frame {
        zmq::message_t message;
        std::int64_t came_ns;
        /// What it costs to keep it: frames without content are kept, too.
        [[nodiscard]] std::size_t weight() const noexcept { return message.size() + sizeof(frame); }
    };
    std::optional<frame_reading> begun;
    std::deque<frame> later;

    [[nodiscard]] bool empty() const noexcept { return !begun && later.empty(); }
};

}  // namespace dunlin::runtime
