// SPDX-License-Identifier: Apache-2.0
//
// Which of several nodes takes a call.
//
// The rule: two nodes elsewhere are drawn in proportion to their capacity; the second replaces the
// first if its wait, hop included, is less by more than the age of the reports; or if less was sent
// there since, where their age leaves that open; or if both would start the call at once and the
// second has been less busy. The better one stands against the own
// node (a client, which has none, draws three). The call stays where it is unless it would start
// sooner there; or would start at once on both, and the other node has been less busy, by a margin
// and by more than a quarter of what the hop costs. Nodes that refused or failed recently are drawn
// only when no other is left, barred ones and those tried never.
//
// Why so: by wait alone, fast and slow nodes serve as from one queue. "Soonest done" starves slow
// nodes, "own node whenever free" overloads a slow one that calls enter at. Being busy, averaged
// over 200 ms, is what makes shares fair. Simulated at 80 % load, one node of three four times
// slower, 1 to 16 servers each, 1 and 20 ms: every node within 5 % of its share, 99th percentile
// at most 1.3 times that of one ideal queue. docs/decisions/0010 has the tables. Two draws instead
// of the best of all, so that nodes with the same old reports do not all run to one
// (Mitzenmacher: "The power of two choices in randomized load balancing", 2001, and "How useful
// is old information?", 2000).
//
// Pure: no clock, no allocation, no lock. One owner, one thread.
#pragma once

#include "cluster/random.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dunlin::cluster {

/// What a node says about itself for one function, with every reply and now and then besides.
struct load_report {
    /// How long a call that came now would wait. Zero if one could start at once.
    std::int64_t wait_ns = 0;
    /// How much one more call adds to the wait: time of service over servers. Zero: unknown, and
    /// taken as the mean of those that are known.
    std::int64_t step_ns = 0;
    /// Calls that could start at once.
    std::uint32_t idle = 0;
    /// See `busy_share`.
    float busy = 0;
    /// Calls that are unanswered there.
    std::uint32_t in_flight = 0;
    /// How many it should have at a time, more being better off elsewhere: of a function that waits
    /// more than it computes, so that its calls use neither a processor nor up what could start at
    /// once. Zero: `busy` and `wait_ns` tell all.
    std::uint32_t room = 0;
};

/// The room of a function whose calls wait. So few that the calls of a burst are shared before they
/// are many, and so many that a few of them at a time are no burst.
inline constexpr std::uint32_t room_of_waiting = 32;
/// What such a call takes, as long as none has ended: it waits for somebody.
inline constexpr std::int64_t waiting_unknown_ns = 100'000'000;

/// While no node's step is known each gets calls as one of a thousand a second would.
inline constexpr std::int64_t step_unknown_ns = 1'000'000;

enum class standing : std::uint8_t {
    usable,
    avoided,  // refused or failed recently: only when no usable one is left
    barred,   // draining, not serving the function, window full: never
};

/// What the chooser knows about one node for one function: the last report, and what happened
/// since.
struct candidate {
    load_report report;
    /// Time of service of one call. Read of the own node only.
    std::int64_t service_ns = 0;
    /// When the report arrived, on the clock of `now_ns`; before the first, when the node was seen.
    std::int64_t reported_at_ns = 0;
    /// What the way there and back costs; zero for the own node.
    std::int64_t rtt_ns = 0;
    /// Calls sent there since, which the report cannot contain, and when the first of them was.
    std::uint32_t sent_since = 0;
    std::int64_t sent_at_ns = 0;
    /// `capacity_of(report.step_ns)`, computed once a report because it divides.
    float capacity = 1e9F / step_unknown_ns;
    standing now = standing::usable;
    /// Where the chooser itself is. At most one; a client has none.
    bool local = false;

    /// A report arrived. `unseen` calls were on their way there when it was made.
    void learn(const load_report& news, std::uint32_t unseen, std::int64_t now_ns) noexcept;
    /// A call is sent there.
    void sent(std::int64_t now_ns) noexcept {
        if (sent_since++ == 0) sent_at_ns = now_ns;
    }
};

/// How busy the node is, or how full if that is more: see `load_report::room`.
[[nodiscard]] inline float used_share(const candidate& node) noexcept {
    if (node.report.room == 0) return node.report.busy;
    const auto calls =
        static_cast<float>(node.report.in_flight) + static_cast<float>(node.sent_since);
    return std::max(node.report.busy, calls / static_cast<float>(node.report.room));
}

/// Calls per second that a node with this step can serve, as a weight for drawing.
[[nodiscard]] float capacity_of(std::int64_t step_ns) noexcept;

/// How long a call sent now would wait there before it starts, without the hop. Calls sent since
/// the report first use up the idle servers and then queue. A report is taken at its word for
/// `report_trusted_ns`, and so is what was sent since; after that the queue is assumed to drain, so
/// that a node nobody dares to ask does not stay forbidden.
[[nodiscard]] double predicted_wait_ns(const candidate& node, std::int64_t now_ns) noexcept;

/// Longer than the pause between two reports of a node that answers nothing.
inline constexpr std::int64_t report_trusted_ns = 1'000'000'000;
/// How much less busy another node must be to get calls that the own node could start at once.
inline constexpr float busy_margin = 0.02F;

class spread {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    explicit spread(std::uint64_t seed) noexcept : random_(seed) {}

    /// The index of the node that takes the call, or `none` if all are barred or were tried.
    /// `tried` are indices of nodes that had this call before.
    [[nodiscard]] std::size_t choose(std::span<const candidate> nodes,
                                     std::span<const std::uint32_t> tried,
                                     std::int64_t now_ns) noexcept;

private:
    random_source random_;
};

}  // namespace dunlin::cluster
