// SPDX-License-Identifier: Apache-2.0
//
// Finds the functions of one node that ought to have returned, and says so once for each call.
//
// Looks at what every thread of the process runs (`running_code.hpp`) and keeps a detector for
// each. What it finds it tells its listener, and the function's pool, which counts. Owned by the
// node, for the thread of its `thread_keeper`.
#pragma once

#include "actors/overdue.hpp"

#include <cstdint>
#include <functional>
#include <map>

namespace dunlin::actors {

class overdue_watch {
public:
    /// `held_ns` is for how long the function was seen running.
    using listener =
        std::function<void(const pool& which, overdue_detector::change what, std::int64_t held_ns)>;
    /// Functions for which `mine` is false belong to other nodes of the process.
    overdue_watch(std::function<bool(const pool*)> mine, listener told)
        : mine_(std::move(mine)),
          told_(std::move(told)) {}

    /// @returns whether any function runs.
    bool tend(std::int64_t now_ns);

private:
    void judge(const code_seen& seen, std::int64_t now_ns);

    struct watched {
        overdue_detector detector;
        std::uint64_t look = 0;  // the last one that saw its thread
    };

    std::function<bool(const pool*)> mine_;
    listener told_;
    std::uint64_t look_ = 0;
    std::map<std::uint64_t, watched> threads_;
};

}  // namespace dunlin::actors
