// SPDX-License-Identifier: Apache-2.0
//
// Which peers are left alone for a while because they failed or refused.
//
// Circuit breaking and outlier ejection ask the same two questions, has this peer failed too often
// recently, and is it really the peer; so they are one thing here. Each peer has its last
// outcomes as bits of one word. Five failures in a row, or half of at least twenty, open its
// circuit: it is avoided, for a time that doubles with each opening in succession, half of it
// random (exponential backoff with jitter). Then the circuit is half-open: one call is let through
// as a probe, and its outcome closes or opens the circuit.
// At most half of the peers have open circuits, hence never the only one: when more fail, it is
// not the peers, and the rest must not be crushed (Envoy's ejection limit and panic threshold).
// A refusal is no failure: a peer that says `overloaded` is avoided as long as it asks for, and a
// little longer (`refusal_pause`).
//
// One for each function, or one for all calls to see peers that are sick altogether; the indices
// are those of the candidates of `spread`, which avoids who is avoided here until nothing else is
// left. Pure: time and seed are handed in. One owner, one thread. Nothing allocates but `resize`.
#pragma once

#include "cluster/random.hpp"
#include "cluster/refusal_pause.hpp"
#include "cluster/spread.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::cluster {

class peer_health {
public:
    struct options {
        std::uint32_t failures_in_row = 5;
        std::uint32_t outcomes_min = 20;  // of the last 64, before their share counts
        std::uint32_t failures_percent = 50;
        std::int64_t memory_ns = 10'000'000'000;  // older outcomes do not count
        std::int64_t open_ns_min = 500'000'000;
        std::int64_t open_ns_max = 30'000'000'000;
        std::int64_t calm_ns = 30'000'000'000;  // without opening: one doubling is forgiven
        std::int64_t refusal_ns_max = refusal_pause::hint_ns_max;
    };

    peer_health(std::size_t peers, std::uint64_t seed, const options& settings);
    peer_health(std::size_t peers, std::uint64_t seed) : peer_health(peers, seed, options{}) {}

    [[nodiscard]] std::size_t size() const noexcept { return peers_.size(); }
    /// New peers at the end are well; peers cut off are forgotten.
    void resize(std::size_t peers);
    /// Another peer, or a new process of the same name, has this index from now on.
    void forget(std::size_t peer) noexcept;

    /// `usable` or `avoided`. Does not change anything: a probe begins with `sent`.
    [[nodiscard]] standing at(std::size_t peer, std::int64_t now_ns) const noexcept;

    /// A call was sent there. If it is the probe of an open circuit, the peer is avoided again
    /// until its outcome, or for as long as the circuit was open in case none ever comes.
    void sent(std::size_t peer, std::int64_t now_ns) noexcept;
    /// An answer that shows that the peer works, errors of the user's function included.
    void succeeded(std::size_t peer, std::int64_t now_ns) noexcept;
    /// No answer in time, a broken connection, an `unavailable` or `internal`.
    /// @returns whether this opened the circuit.
    bool failed(std::size_t peer, std::int64_t now_ns) noexcept;
    /// `overloaded`: see `refusal_pause::refused`.
    void refused(std::size_t peer, std::int64_t retry_after_ns, std::int64_t now_ns) noexcept;
    /// It answers, which is all that is known: no circuit to it stays open, and no success counts.
    void lives(std::size_t peer) noexcept;

    /// Circuits that are open or wait for the outcome of a probe.
    [[nodiscard]] std::size_t open_count() const noexcept { return open_count_; }

private:
    struct record {
        std::uint64_t outcomes = 0;  // the last one is the lowest bit; set: failed
        std::uint32_t count = 0;     // of outcomes, up to 64
        std::uint32_t openings = 0;  // in succession
        bool open = false;
        std::int64_t last_ns = 0;       // outcome
        std::int64_t opened_at_ns = 0;  // the last time
        std::int64_t probe_at_ns = 0;   // of an open circuit
        std::int64_t open_for_ns = 0;
        refusal_pause refused;
    };

    void note(record& peer, bool failure, std::int64_t now_ns) noexcept;
    [[nodiscard]] bool too_many(const record& peer) const noexcept;
    void open(record& peer, std::int64_t now_ns) noexcept;
    void close(record& peer) noexcept;

    options options_;
    random_source random_;
    std::vector<record> peers_;
    std::size_t open_count_ = 0;
};

}  // namespace dunlin::cluster
