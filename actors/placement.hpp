// SPDX-License-Identifier: Apache-2.0
//
// Which kind of thread runs a function, decided from what it declares and what was measured.
//
// Pure: no thread, clock or lock. Short work runs on the lane where it arrives; long work runs on
// CAF's scheduler; work declared blocking has threads of its own. Between lane and scheduler there
// are two thresholds, so that a function near the border does not swing.
#pragma once

#include "actors/limits.hpp"
#include "actors/service_time.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace dunlin::actors {

enum class placement : std::uint8_t { lane, scheduler, threads };

[[nodiscard]] constexpr std::string_view to_string(placement where) noexcept {
    switch (where) {
        case placement::lane: return "lane";
        case placement::scheduler: return "scheduler";
        case placement::threads: return "threads";
    }
    return "lane";
}

/// Where the function should run now, given where it ran until now.
[[nodiscard]] inline placement decide_placement(placement now, const service_time& time) noexcept {
    if (now == placement::threads) return now;
    const auto predicted_ns = time.predicted_ns();
    if (predicted_ns > limits::lane_service_ns_max) return placement::scheduler;
    if (predicted_ns < limits::lane_service_ns_back) return placement::lane;
    return now;
}

/// How many invocations may travel in one bundle. One while nothing is known about the function,
/// and one if it waits inside: the others would wait with it.
[[nodiscard]] inline std::uint32_t bundle_capacity(placement where, bool waits,
                                                   const service_time& time) noexcept {
    if (where == placement::threads || waits || !time.measured()) return 1;
    const auto each_ns = std::max<std::int64_t>(time.predicted_ns(), 1);
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(limits::bundle_work_ns_max / each_ns,
                                                               1, limits::bundle_invocations_max));
}

}  // namespace dunlin::actors
