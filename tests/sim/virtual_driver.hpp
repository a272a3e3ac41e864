// SPDX-License-Identifier: Apache-2.0
//
// A client's engine without threads: who would drive it says when it takes a turn.
//
// The engine is the real one (`client/driver.hpp`); `virtual_driver.cpp` stands in for
// `driver_lead.cpp`, where threads take turns, and `driver::wait_connected` is one turn of the
// loop in `driver::lead`. A turn ends where the leader would sleep, and says until when.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dunlin::sim {

/// What the last turn on this thread came to.
struct driver_turn {
    std::int64_t due_ns = 0;  // on the steady clock: the next one, unless there is news before
    std::size_t kept_bytes = 0;
    std::size_t on_connections = 0;  // attempts that are under way, as connections count them
};

[[nodiscard]] driver_turn& last_driver_turn() noexcept;
/// The identity and the chances of drivers that are made on this thread: each takes the next.
void set_driver_seed(std::uint64_t seed) noexcept;

}  // namespace dunlin::sim
