// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/heap_arenas.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace dunlin::program {

namespace {

/// What making an arena takes for a moment.
constexpr std::uint64_t arena_bytes = std::uint64_t{128} << 20;
/// So many arenas' worth of a limit for each of them.
constexpr std::uint64_t part_of_limit = 4;
/// As many as glibc makes itself, on machines of 64 bits.
constexpr unsigned arenas_of_processor = 8;

}  // namespace

std::optional<int> arenas_max(std::uint64_t limit_bytes, unsigned processors) {
    const auto fit = std::max<std::uint64_t>(limit_bytes / (arena_bytes * part_of_limit), 1);
    if (fit >= std::max(processors, 1u) * arenas_of_processor) return {};
    return static_cast<int>(fit);
}

void fit_arenas_to_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    if (std::getenv("MALLOC_ARENA_MAX") != nullptr) return;
    if (const auto count = arenas_max(limit.rlim_cur, std::thread::hardware_concurrency()))
        ::mallopt(M_ARENA_MAX, *count);
}

}  // namespace dunlin::program
