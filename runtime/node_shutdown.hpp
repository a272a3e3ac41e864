// SPDX-License-Identifier: Apache-2.0
//
// How long a node that stops waits, and for what.
//
// First its calls drain: all peers have heard that it takes no more, every call is answered, and no
// function runs; then those who get its keys are told which are hot. When its patience ends the
// lanes answer what is left in place of the functions. Then functions that still run have a short
// time to return, since what they may touch cannot be freed under them. Lanes and pools count, and
// tell nobody: so this polls, each millisecond. Owned by the node; the thread that stops it. Time
// and pauses are handed in.
#pragma once

#include "actors/environment.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace dunlin::runtime {

class node_shutdown {
public:
    /// What the parts of the node have counted, at one moment.
    struct state {
        bool peers_know = false;  // all peers have heard that the node drains
        std::size_t calls_open = 0;
        std::size_t pools_busy = 0;    // whose functions run
        std::size_t threads_lost = 0;  // left behind in functions that held a lane
        bool keys_offered = true;      // others have been told of the hottest keys that they get
    };
    using observer = std::function<state()>;
    using pause = std::function<void(std::chrono::nanoseconds)>;

    static constexpr std::chrono::milliseconds look_again_after{1};
    /// What the new owners of keys have to be told in, when all else is done.
    static constexpr std::chrono::milliseconds offer_time{200};
    /// What functions have to return after their calls are answered.
    static constexpr std::chrono::milliseconds return_time{500};

    node_shutdown(const actors::steady_time& time, observer look, pause wait)
        : time_(time),
          look_(std::move(look)),
          wait_(std::move(wait)) {}

    /// @returns whether all calls have been answered by their functions within `patience`. Waits
    /// for offers of keys then, within it and for `offer_time` at most.
    [[nodiscard]] bool drained(std::chrono::nanoseconds patience) const;
    /// @returns whether all functions have returned, now or within `return_time`.
    [[nodiscard]] bool returned() const;

private:
    template <class Condition>
    bool wait_until(Condition&& holds, std::chrono::nanoseconds patience) const;

    const actors::steady_time& time_;
    const observer look_;
    const pause wait_;
};

}  // namespace dunlin::runtime
