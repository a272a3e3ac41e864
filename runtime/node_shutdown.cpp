// SPDX-License-Identifier: Apache-2.0
#include "runtime/node_shutdown.hpp"

#include <algorithm>

namespace dunlin::runtime {

template <class Condition>
bool node_shutdown::wait_until(Condition&& holds, std::chrono::nanoseconds patience) const {
    const auto end_ns = time_.now_ns() + patience.count();
    while (!holds(look_())) {
        if (time_.now_ns() >= end_ns) return false;
        wait_(look_again_after);
    }
    return true;
}

bool node_shutdown::drained(std::chrono::nanoseconds patience) const {
    const auto end_ns = time_.now_ns() + patience.count();
    const bool all = wait_until(
        [](const state& now) {
            return now.peers_know && now.calls_open == 0 && now.pools_busy == 0;
        },
        patience);
    if (!all) return false;
    const std::chrono::nanoseconds left(end_ns - time_.now_ns());
    static_cast<void>(wait_until([](const state& now) { return now.keys_offered; },
                                 std::min<std::chrono::nanoseconds>(left, offer_time)));
    return true;
}

// A thread that lost its lane is in a function whose pool may count nothing any more.
bool node_shutdown::returned() const {
    return wait_until([](const state& now) { return now.threads_lost == 0 && now.pools_busy == 0; },
                      return_time);
}

}  // namespace dunlin::runtime
