// SPDX-License-Identifier: Apache-2.0
//
// What authors and operators say about the scaling of a function, and what that comes to on a node.
//
// An author knows how a function behaves, an operator knows the machine, so each number may be left
// open: then it follows from the kind of the function. Pure values; no thread, clock or lock.
#pragma once

#include "actors/elastic_policy.hpp"
#include "actors/fair_jobs.hpp"
#include "actors/function_info.hpp"
#include "actors/limits.hpp"
#include "actors/scale_wishes.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

struct scale_settings {
    /// Activations that stay, however quiet it is.
    std::size_t min = 0;
    /// Activations at most. 0: by the kind of the function, see `bounds_of`.
    std::size_t max = 0;
    /// An idle activation stays at least so long, for a function whose first call is dear.
    std::chrono::nanoseconds idle{0};
    /// Calls should wait no longer than this before they start.
    std::chrono::nanoseconds target_wait = std::chrono::milliseconds(5);
    /// Among the functions of a node, when there is more to do than time ...
    function_priority priority = function_priority::normal;
    /// ... and its share among those of its priority.
    std::uint32_t weight = 1;

    friend bool operator==(const scale_settings&, const scale_settings&) = default;
};

/// What a node has for activations to run on.
struct scale_ground {
    std::size_t threads = 1;           // for long functions
    std::size_t blocking_threads = 1;  // at most
};

/// A function that waits without a thread is bounded by memory, one that blocks by the threads that
/// there may be, and one that computes has no use for more than the threads that it runs on.
/// Of the time of lanes and of the scheduler, beside other functions; see `fair_jobs`. A priority
/// is worth eight times the one below: those below go on, however much is asked of those above.
[[nodiscard]] inline std::uint32_t share_of(const scale_settings& settings) noexcept {
    const auto weight = std::max<std::uint32_t>(settings.weight, 1);
    switch (settings.priority) {
        case function_priority::low: return weight * fair_jobs::usual_share / 8;
        case function_priority::normal: break;
        case function_priority::high: return weight * fair_jobs::usual_share * 8;
    }
    return weight * fair_jobs::usual_share;
}

/// Of the useful ones, for a function that has shown nothing yet.
[[nodiscard]] inline elastic_bounds bounds_of(const scale_settings& settings,
                                              const function_info& info,
                                              const scale_ground& ground) noexcept {
    elastic_bounds bounds;
    bounds.min = settings.min;
    bounds.max = settings.max == 0 ? limits::activations_max : settings.max;
    bounds.idle = settings.idle;
    if (info.async()) return bounds;
    // One more for each thread of the scheduler, which replaces a thread that is held for long only
    // while work waits for it.
    bounds.useful =
        std::max<std::size_t>(info.blocking() ? ground.blocking_threads : 2 * ground.threads, 1);
    return bounds;
}

}  // namespace dunlin::actors
