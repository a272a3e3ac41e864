// SPDX-License-Identifier: Apache-2.0
//
// One function under one policy, as the event loop sees it: calls go in, and it says when it next
// has something to do by itself. Interface only; owner: `rehearse`, one thread.
#pragma once

#include <cstdint>

namespace dunlin::runtime::rehearsal {

class model {
public:
    virtual ~model() = default;
    /// A call that will take `service_ns`. Not before what is due by itself.
    virtual void arrive(std::int64_t now_ns, std::int64_t service_ns) = 0;
    /// When the next thing happens by itself; `never` if that takes a call.
    [[nodiscard]] virtual std::int64_t next_ns() const noexcept = 0;
    /// Does the one thing that is due at `next_ns()`.
    virtual void advance() = 0;
    /// Calls that wait or run.
    [[nodiscard]] virtual std::size_t calls_inside() const noexcept = 0;
};

/// A function refuses calls beyond so many that wait, whatever the policy, as a node's queue does.
inline constexpr std::size_t queue_max = 16'384;

}  // namespace dunlin::runtime::rehearsal
