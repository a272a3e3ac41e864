// SPDX-License-Identifier: Apache-2.0
//
// On which nodes a function is warm: the first few, in an order of its own, of those that serve it.
//
// A function that is called now and then would be cold everywhere if every node had its share of
// the calls. So each function has an order of the nodes, by rendezvous hashing of its name and
// theirs, and its calls go to the first `width` that are usable; `spread` chooses among those. The
// width is one at first. It grows by the next node at once when those in the set are used beyond
// `grow_share`, and shrinks by the last one when what they do has fitted into one fewer, below
// `fold_share`, for `fold_after_ns`. The two shares lie so far apart that a fold does not lead to
// growth (what fills half of one node fewer does not fill seven tenths of it), and a fold that was
// regretted, because the load swings or chance had it look quiet, makes the next one wait a minute.
//
// Used means: how busy the nodes were by their reports; or, for functions that wait more than they
// compute, of which a hundred calls leave a processor idle, how many calls they have for the number
// they should have (`load_report::room`), with what this chooser has sent since. So a burst that
// nobody has reported yet widens the set while it is sent. Calls of functions that compute queue
// instead, by chance as well as by load: when a call would wait at every node of the set for longer
// than a cold start costs, the next node stands by for that call, and the width stays.
//
// Clients and nodes decide alike because the order is that of names and all hear the same reports,
// though not at the same time. They may differ by a node or two for as long as reports take to come
// round, or for longer if one of them calls seldom: then some calls find a node that is warm for
// others only, or that is cold, and run there as well. Nothing but warmth rests on it. A node whose
// round trip is long (`far_ns`) comes after all that are near, so sites have sets of their own.
//
// Pure: time is handed in; no clock, no lock; only `add` allocates. One owner, one thread.
#pragma once

#include "cluster/spread.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace dunlin::cluster {

/// The set grew or shrank: for a log of decisions.
struct warm_change {
    std::int64_t at_ns = 0;
    std::uint32_t from = 1;  // nodes
    std::uint32_t to = 1;
    float used = 0;   // what was measured: of the set, or of the set without its last node
    float limit = 0;  // what that was more than, or less than
};

class warm_set {
public:
    /// Beyond this share the next node joins: what is left absorbs the load until it is warm, and
    /// queues of a few servers are still short.
    static constexpr float grow_share = 0.7F;
    /// Below this share of one node fewer the last node leaves.
    static constexpr float fold_share = 0.5F;
    /// How long that has to hold: some windows of the shortest average of `busy_share`.
    static constexpr std::int64_t fold_after_ns = 1'000'000'000;
    /// The same for a set that had to grow again within `regret_ns` after a fold: in a minute
    /// chance has shown the most it can do.
    static constexpr std::int64_t fold_after_regret_ns = 60'000'000'000;
    static constexpr std::int64_t regret_ns = 600'000'000'000;
    /// A report counts whole while it is trusted (`report_trusted_ns`), and less and less for so
    /// long after that. A node of the set whose report is that old gets the next call, as far as
    /// is known at no cost: it may be busier than the others, or idle since, and tells nothing
    /// unless it is called.
    static constexpr std::int64_t fade_ns = 10'000'000'000;
    /// A call that would wait for longer than this is better off on a node that is cold: spawning
    /// what it needs takes some 100 us, the hop as much.
    static constexpr std::int64_t delay_ns = 1'000'000;
    /// Calls under way at which a node that has told nothing yet counts as one where they wait.
    static constexpr std::uint32_t calls_untold = 8;
    /// From here on a round trip costs more than keeping one node more warm.
    static constexpr std::int64_t far_ns = 5'000'000;

    explicit warm_set(std::string_view function);

    /// The candidate at `place` is the node with this `name_hash`.
    void add(std::uint32_t place, std::uint64_t node_hash);
    void remove(std::uint32_t place) noexcept;

    /// Bars those that are usable but not in the set, for one choice among `nodes` whose standing
    /// is up to date. `tried` had the call before: the next in order stand in for them.
    void narrow(std::span<candidate> nodes, std::span<const std::uint32_t> tried,
                std::int64_t now_ns) noexcept;
    /// A node of the set has reported: the set may shrink, or wait longer for it.
    void heard(std::span<const candidate> nodes, std::int64_t now_ns) noexcept {
        look(nodes, now_ns);
    }

    /// Nodes that the set has if as many are usable.
    [[nodiscard]] std::uint32_t width() const noexcept { return width_; }
    /// Whether the chooser's own node was in the set at the last `narrow`, and was not tried.
    [[nodiscard]] bool has_own() const noexcept { return has_own_; }
    /// How often the width has changed, and how the last time.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
    [[nodiscard]] const warm_change& last_change() const noexcept { return last_change_; }

private:
    static constexpr std::uint32_t nobody = 0xffff'ffffu;
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

    struct ranked {
        std::uint64_t weight;
        std::uint32_t place;
    };

    [[nodiscard]] std::uint32_t unheard(std::span<const candidate> nodes,
                                        std::span<const std::uint32_t> tried,
                                        std::int64_t now_ns) const noexcept;
    template <class Visit>
    void visit_usable(std::span<const candidate> nodes, Visit&& visit) const;
    void look(std::span<const candidate> nodes, std::int64_t now_ns) noexcept;
    void change(std::uint32_t to, float used, float limit, std::int64_t now_ns) noexcept;

    const std::uint64_t function_hash_;
    std::vector<ranked> order_;  // by falling weight
    std::uint32_t width_ = 1;
    bool has_own_ = false;
    std::int64_t quiet_since_ns_ = never;       // what the set does has fitted into one node fewer
    std::int64_t patience_ns_ = fold_after_ns;  // before the next fold
    std::int64_t folded_at_ns_ = never;
    std::uint64_t changes_ = 0;
    warm_change last_change_;
};

}  // namespace dunlin::cluster
