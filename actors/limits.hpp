// SPDX-License-Identifier: Apache-2.0
//
// The limits of a node's inner queues, each with its reason.
//
// What a user may set is in `runtime/node_config.hpp`; what is fixed is here. Relations between
// limits are asserted, so that changing one cannot silently break another.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dunlin::actors::limits {

/// A bundle holds at most this much predicted work, so one slow call delays few others.
inline constexpr std::int64_t bundle_work_ns_max = 100'000;
/// ... and at most this many invocations: enough to make the cost of one CAF message vanish.
inline constexpr std::uint32_t bundle_invocations_max = 128;

/// A function whose measured time exceeds the first runs on the scheduler; it comes back to the
/// lane below the second. A hand-over between threads costs about 100 us, so shorter work is
/// quicker where it arrives.
inline constexpr std::int64_t lane_service_ns_max = 200'000;
inline constexpr std::int64_t lane_service_ns_back = 100'000;
static_assert(lane_service_ns_back < lane_service_ns_max);
static_assert(bundle_work_ns_max <= lane_service_ns_max);

/// Operations (calls, timers, callbacks) that one invocation may have under way at once.
inline constexpr std::size_t operations_max = 4096;

/// Activations of one function that nobody has set another limit for: what waits costs memory, some
/// 2 KB each, and nothing else. Fewer than `occupied_time` can count.
inline constexpr std::size_t activations_max = std::size_t{1} << 17;

/// How often a function that awaits one thing after the other is told, when its pool is shut down,
/// that this has ended too.
inline constexpr int stop_rounds_max = 16;

/// A bundle that takes longer than predicted is left after this, so that others get their turn and
/// the pool can move it off the lane. Looking at the clock costs 25 ns: once in a few invocations.
inline constexpr std::int64_t bundle_hold_ns_max = 2 * bundle_work_ns_max;
inline constexpr std::uint32_t invocations_per_look = 4;

/// An invocation whose deadline is nearer than this is held against the clock itself before it
/// runs; for others the last look will do.
inline constexpr std::int64_t deadline_near_ns = 1'000'000'000;
static_assert(bundle_hold_ns_max < deadline_near_ns);

/// Messages an activation may take before its lane looks again whether it still belongs there: a
/// message is a bundle, so others have waited long enough after one.
inline constexpr std::size_t messages_per_turn_max = 1;

/// A function that has held a lane, or a thread of the scheduler, for long lets others by for so
/// long at most: until some bundles, or some tens of the shortest calls that run there, have had
/// their turn.
inline constexpr std::int64_t lane_debt_ns_max = 32 * bundle_work_ns_max;
inline constexpr std::int64_t worker_debt_ns_max = 320 * lane_service_ns_max;

/// A scheduler thread that one message has held this long is replaced while others' work waits, so
/// that they get on; long enough that nothing that is merely slow is.
inline constexpr std::int64_t worker_hold_ns_max = 1'000'000'000;
/// ... and so many at most are replaced and still held at a time. A function holds one thread for
/// each of its activations, of which there are two for each thread of the scheduler, and one more
/// for each that is stuck.
inline constexpr std::size_t workers_replaced_max = 64;
/// A replaced thread gets about a tenth of what the others get of a core that is wanted: those that
/// never return and compute must not take the lanes' time.
inline constexpr int replaced_worker_nice = 10;

/// A function that has not returned so long after its call's deadline is reported. It was told to
/// stop then; this is the time it has for that.
inline constexpr std::int64_t overdue_after_deadline_ns = 500'000'000;
/// The same for a call without a deadline, since it began.
inline constexpr std::int64_t overdue_without_deadline_ns = 60'000'000'000;

/// Decisions that a node can still explain. A function that is called in bursts adds some records a
/// second, so this is a quarter of an hour of a busy node, and takes less than a megabyte.
inline constexpr std::size_t decisions_kept = 4096;
/// Decisions of one kind, by one rule, about one function are one record for so long: a person
/// reads a line a second, and no more of them say more.
inline constexpr std::int64_t decisions_folded_ns = 1'000'000'000;

/// How often the threads that run functions off the lanes are looked at while they do.
inline constexpr std::chrono::milliseconds keeper_pause{100};

}  // namespace dunlin::actors::limits
