// SPDX-License-Identifier: Apache-2.0
//
// How many arenas malloc may make where the process has a limit of address space (ulimit -v).
//
// glibc gives each thread an arena of its own, and reserves 64 MiB of address space for each, twice
// that while it looks for an aligned place. Under a limit these reservations, of which little is
// ever used, take what the node's threads need for their stacks, and how much there is left changes
// from one moment to the next: a thread that libzmq makes then is refused, and libzmq aborts. So
// under a limit arenas may take a quarter of it at most, and where it has no room for a second one
// all threads share the first. Without a limit nothing changes, nor where MALLOC_ARENA_MAX says how
// many there are to be. For the program: a process that embeds a node decides for itself.
#pragma once

#include <cstdint>
#include <optional>

namespace dunlin::program {

/// Under a limit of so many bytes, with so many processors; nothing: as many as glibc likes.
[[nodiscard]] std::optional<int> arenas_max(std::uint64_t limit_bytes, unsigned processors);

/// Before any thread is made.
void fit_arenas_to_limit();

}  // namespace dunlin::program
