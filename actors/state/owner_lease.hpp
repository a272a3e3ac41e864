// SPDX-License-Identifier: Apache-2.0
//
// Whether a node may answer for the keys that it owns without asking the store first.
//
// Writes are safe from any node, since the store refuses one that was made from another
// version. A read from memory is not: a node that was stopped for a while, or that the others have
// given up, would answer with what was true then. So the nodes that share a store announce there,
// each in a row of its own that it renews all the time, which view of the cluster they go by. A
// node owns its keys alone while all rows announced the same view when it looked last, and that
// look is younger than a lease. One that announces another view waits until all others have, or
// until a lease is over: by then nobody owns anything by an older view. Nodes that go by different
// views for longer are rivals: each of them reads a key from the store before each turn.
//
// Nothing is compared but differences of a node's own steady clock, so clocks need not agree; the
// margin is for those that run at different speeds. A node that did not renew its row for a lease
// begins as one that is new.
//
// Pure: times and rows are handed in. One owner, one thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace dunlin::actors {

class owner_lease {
public:
    /// How long a look at the rows is good for, and by how much earlier its node stops.
    static constexpr std::int64_t lease_ns = 2'000'000'000;
    static constexpr std::int64_t margin_ns = 200'000'000;
    /// Rows are renewed so often.
    static constexpr std::int64_t renew_every_ns = 300'000'000;
    /// A row that has not changed for so long belongs to nobody, and may be taken away.
    static constexpr std::int64_t abandoned_after_ns = 60'000'000'000;

    /// What a node has announced; `beat` is another one each time.
    struct row {
        std::uint64_t node = 0;
        std::uint64_t view = 0;
        std::uint64_t beat = 0;
    };
    enum class phase : std::uint8_t {
        silent,    // it has announced nothing: it may do nothing
        settling,  // others may still own by an older view
        agreed,    // all go by its view
        rivals,    // others go by another view, and none owns anything alone
    };

    explicit owner_lease(std::uint64_t node) noexcept : node_(node) {}

    /// Its row is about to say this. Until the next look it owns only what it owned by the view
    /// that all agreed on last, as long as that look is good.
    void announces(std::uint64_t view);
    /// The row is stored: it was sent at `sent_ns`, and the answer came at `stored_ns`.
    void announced(std::uint64_t view, std::int64_t sent_ns, std::int64_t stored_ns) noexcept;
    /// These are all rows, read between these times, after its own was stored.
    void saw(std::span<const row> rows, std::int64_t asked_ns, std::int64_t got_ns);

    [[nodiscard]] phase now() const noexcept { return phase_; }
    /// By which all agreed last; 0: none.
    [[nodiscard]] std::uint64_t agreed_view() const noexcept { return agreed_view_; }
    /// Until then it is the only one that has to do with the keys that it owns by `agreed_view`,
    /// and by each view that it has announced since.
    [[nodiscard]] std::int64_t alone_until_ns() const noexcept { return alone_until_ns_; }
    /// Until then, among rivals, it may write what it has read for the purpose.
    [[nodiscard]] std::int64_t rival_until_ns() const noexcept { return rival_until_ns_; }
    /// Grows when others may have changed what this node has in memory.
    [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
    /// Whether the row of that node has not changed for so long that it may be taken away.
    [[nodiscard]] bool abandoned(std::uint64_t node, std::int64_t now_ns) const;

private:
    struct heard {
        std::uint64_t beat = 0;
        std::int64_t since_ns = 0;  // when that beat was seen first
        bool there = false;         // in the latest look
    };

    const std::uint64_t node_;
    phase phase_ = phase::silent;
    std::uint64_t view_ = 0;         // announced
    std::int64_t settles_ns_ = 0;    // since then nobody can agree on an older view
    bool has_row_ = false;           // one was stored
    std::int64_t last_sent_ns_ = 0;  // ... the latest
    std::uint64_t agreed_view_ = 0;
    /// That one, and those announced since. Who goes by one of them does not touch what the node
    /// owns by all of them.
    std::vector<std::uint64_t> kept_by_;
    std::int64_t alone_until_ns_ = 0;
    std::int64_t rival_until_ns_ = 0;
    std::uint32_t epoch_ = 0;
    std::map<std::uint64_t, heard> others_;
};

}  // namespace dunlin::actors
