// SPDX-License-Identifier: Apache-2.0
//
// Serves a lane without a thread: the simulator says when it takes a turn.
//
// The lane is the real one, and so are its turns and the steps of its end (`lane::turn`,
// `lane::finish`). What `lane::serve` does between them, which is to wait, is left out: a turn says
// until when the lane would. One owner, one thread.
#pragma once

#include "runtime/lane/lane_ownership.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dunlin::runtime {
class lane;
}

namespace dunlin::sim {

/// What a turn came to.
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

class virtual_lane {
public:
    /// @pre `served` is prepared.
    virtual_lane(caf::actor_system& system, runtime::lane& served);

    [[nodiscard]] lane_turn turn();
    /// Whether it still hears what it is told: a lane that ends answers what comes last.
    [[nodiscard]] bool has_commands();
    /// Takes the lane down where it stands. What waits for it goes on without it.
    void kill();

private:
    void check_books(lane_turn& turn);

    runtime::lane& lane_;
    runtime::lane_thread unit_;
};

}  // namespace dunlin::sim
