// SPDX-License-Identifier: Apache-2.0
//
// A lane without a thread: who would serve it says when it takes a turn.
//
// The lane is the real one; `virtual_lane.cpp` stands in for `runtime/lane/lane_thread.cpp`, and
// `lane_thread::stir` is one turn of the loop in `lane::serve`. A turn ends where the lane would
// sleep, and says until when.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dunlin::sim {

/// What the last turn on this thread came to.
struct lane_turn {
    std::int64_t due_ns = 0;  // on the lane's clock: the next one, unless there is news before
    bool ended = false;       // all is said, and the lane can be taken down
    std::size_t calls_open = 0;
    std::size_t calls_away = 0;  // of those, on other nodes
    std::size_t backlog = 0;     // frames that wait for slow peers
    std::string problem;         // its books do not add up

    /// Of another lane of the same node.
    void add(const lane_turn& other) {
        due_ns = std::min(due_ns, other.due_ns);
        ended = ended && other.ended;
        calls_open += other.calls_open;
        calls_away += other.calls_away;
        backlog += other.backlog;
        if (problem.empty()) problem = other.problem;
    }
};

[[nodiscard]] lane_turn& last_lane_turn() noexcept;

}  // namespace dunlin::sim
