// SPDX-License-Identifier: Apache-2.0
//
// How quickly a cluster notices, and how slowly it condemns.
//
// The defaults are for one data centre: a node that died is known dead everywhere within a
// second, also when its links were cut in silence; one that is paused for 300 ms is not declared
// dead. The arithmetic for small clusters, with T = probe_period, S = suspicion_min, and up to
// 5 ms for a message:
//
//   A node that dies. Each of the n-1 others probes one member every T, in an order in which two
//     probes of one member are at most 2(n-1)-1 periods apart.
//     n = 3: two probers, the first to hit the victim begins at most 3 T = 300 ms after the death
//     (usually 100). n = 5: four probers; that none of them hits it within 4 T happens about once
//     in two thousand deaths.
//     That probe fails after T; its prober suspects and says so to three others at once, who put
//     the suspect before all others in their next probes (`verifiers`). So their confirmations are
//     there 2 T later, before S is over, and shorten the suspicion to S.
//     Known dead: 300 + 100 + S = 750 ms at worst for n = 3, 400 + 100 + S = 850 ms for n = 5, and
//     some 10 ms for the news to spread. Leaves 140 ms for threads that are not at hand.
//   A connection that closed (kill -9) is probed at once: 100 + S = 450 ms.
//   A node that is paused for 300 ms. The earliest suspicion is a probe that was sent as the pause
//     began: T after it. Nobody declares it dead before T + S = 450 ms. It wakes at 300, finds the
//     pings in its sockets, each with the suspicion on it, and contradicts at once to three
//     others and to all who asked: known by 320 ms. Leaves 130 ms.
//   A member alone on its side of a partition finds no helper: its local health goes down, which
//     stretches its own periods, and it declares the others dead later than they do it.
//
// Larger clusters: S grows with log10(n), because news takes O(log n) periods to get around and
// a contradiction has to arrive everywhere before the verdict. Everything else stays as it is.
//
// Messages that are lost: a probe asks three times within T (directly; then directly and through
// `helpers` others; then so again through different ones). At a loss of 5% it fails for a living
// member with 0.0975 * (0.0975 * 0.1855^3)^2 = 4e-8, which is why large clusters stay quiet.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dunlin::runtime::membership {

/// Times are nanoseconds.
struct options {
    static constexpr std::int64_t ms = 1'000'000;

    /// A member is probed this often, while our own health is good.
    std::int64_t probe_period_ns = 100 * ms;
    /// When a probe asks again and through others. At most a third of the period.
    std::int64_t probe_timeout_ns = 30 * ms;
    /// A member whose answers take longer than that is given as long as they do, as was measured,
    /// but no longer than this; its probe fails after three timeouts and a third.
    std::int64_t probe_timeout_max_ns = 600 * ms;
    /// The same for a member of which no answer has been measured yet.
    std::int64_t probe_timeout_unknown_ns = 300 * ms;
    /// Members asked for an indirect probe, each time.
    unsigned helpers = 3;

    /// Between suspicion and death when enough members confirm it, in clusters of up to ten;
    /// multiplied by log10(n) in larger ones.
    std::int64_t suspicion_min_ns = 350 * ms;
    /// Nobody confirms it: this many times longer.
    double suspicion_max_factor = 3;
    /// Confirmations after which the time is the shortest.
    unsigned confirmations = 3;
    /// Members that probe a suspect out of turn when they hear of it, on average.
    unsigned verifiers = 8;

    /// Periods are at most this many times longer while our own health is bad, plus one.
    unsigned local_health_max = 4;
    /// A call of `advance` or `receive` that comes this much after the timer was due: this
    /// process did not run, and what it thinks of others is out of date.
    std::int64_t late_ns_max = 50 * ms;

    /// Each update is sent this many times ln(n+1), rounded up.
    double retransmit_multiplier = 3;
    /// Bytes of updates in one message; one update is always sent.
    std::size_t update_bytes_max = 4096;
    /// Members told at once what a node has found out itself.
    unsigned fanout = 3;
    /// Updates that wait to be sent. Beyond it the most often sent are given up; lists are
    /// compared anyway.
    std::size_t updates_waiting_max = 4096;

    /// Between two comparisons of lists; random from three quarters to five quarters of it.
    std::int64_t sync_period_ns = 10'000 * ms;
    /// The same while a node is new, or has been told of a node that has not answered yet.
    std::int64_t sync_first_ns = 300 * ms;
    unsigned syncs_first = 3;
    /// Between two pings to members that are dead, so that parts of a cluster find each other
    /// again. All nodes together send each dead member about `dead_pings` in this time.
    std::int64_t dead_ping_period_ns = 500 * ms;
    unsigned dead_pings = 4;

    /// How long dead members are remembered, and how many.
    std::int64_t tombstone_ns = 24 * 3600 * 1000 * ms;
    std::size_t tombstones_max = 1024;
    /// Members, dead ones included; each of them costs each node a link for each lane. What peers
    /// say of more is ignored.
    std::size_t members_max = 4096;
    /// Members that are only known from what others say, and have not been heard themselves. What
    /// peers say of more is ignored until those have been reached or are dead; lists are compared
    /// again soon, so what was left out comes later.
    std::size_t unreached_max = 512;
    /// When that happens, lists are compared after this time.
    std::int64_t sync_refused_ns = 1000 * ms;
};

}  // namespace dunlin::runtime::membership
