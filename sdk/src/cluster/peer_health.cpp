// SPDX-License-Identifier: Apache-2.0
#include "cluster/peer_health.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace dunlin::cluster {

namespace {

constexpr std::uint32_t outcomes_max = 64;

// Times come from settings and from peers.
std::int64_t later(std::int64_t now_ns, std::int64_t by_ns) noexcept {
    constexpr auto end = std::numeric_limits<std::int64_t>::max();
    return now_ns > end - by_ns ? end : now_ns + by_ns;
}

/// Whether `since_ns` is longer ago than `span_ns`.
bool past(std::int64_t since_ns, std::int64_t span_ns, std::int64_t now_ns) noexcept {
    return now_ns > later(since_ns, std::max<std::int64_t>(span_ns, 0));
}

}  // namespace

peer_health::peer_health(std::size_t peers, std::uint64_t seed, const options& settings)
    : options_(settings),
      random_(seed),
      peers_(peers) {
    options_.open_ns_min = std::max<std::int64_t>(options_.open_ns_min, 1);
    options_.open_ns_max = std::max(options_.open_ns_max, options_.open_ns_min);
    options_.failures_in_row = std::clamp(options_.failures_in_row, 1U, outcomes_max);
    options_.outcomes_min = std::clamp(options_.outcomes_min, 1U, outcomes_max);
}

void peer_health::resize(std::size_t peers) {
    for (auto i = peers; i < peers_.size(); ++i) close(peers_[i]);
    peers_.resize(peers);
    // Fewer peers, and those that are left may be mostly those that failed.
    while (open_count_ * 2 > peers_.size()) {
        record* oldest = nullptr;
        for (auto& it : peers_) {
            if (it.open && (oldest == nullptr || it.opened_at_ns < oldest->opened_at_ns)) {
                oldest = &it;
            }
        }
        close(*oldest);
    }
}

void peer_health::forget(std::size_t peer) noexcept {
    close(peers_[peer]);
    peers_[peer] = {};
}

standing peer_health::at(std::size_t peer, std::int64_t now_ns) const noexcept {
    const auto& it = peers_[peer];
    const bool waits = (it.open && now_ns < it.probe_at_ns) || !it.refused.over(now_ns);
    return waits ? standing::avoided : standing::usable;
}

void peer_health::sent(std::size_t peer, std::int64_t now_ns) noexcept {
    auto& it = peers_[peer];
    if (it.open && now_ns >= it.probe_at_ns) it.probe_at_ns = later(now_ns, it.open_for_ns);
}

void peer_health::succeeded(std::size_t peer, std::int64_t now_ns) noexcept {
    auto& it = peers_[peer];
    // Also an answer to a call from before the circuit opened shows that the peer lives.
    if (it.open) close(it);
    note(it, false, now_ns);
}

bool peer_health::failed(std::size_t peer, std::int64_t now_ns) noexcept {
    auto& it = peers_[peer];
    if (it.open) {
        // All that was in flight fails when a peer dies: that is one reason, not many. After the
        // pause, it is the probe, or as good as one.
        if (!past(it.opened_at_ns, it.open_for_ns - 1, now_ns)) return false;
        open(it, now_ns);
        return true;
    }
    note(it, true, now_ns);
    if (!too_many(it) || (open_count_ + 1) * 2 > peers_.size()) return false;
    open(it, now_ns);
    return true;
}

void peer_health::refused(std::size_t peer, std::int64_t retry_after_ns,
                          std::int64_t now_ns) noexcept {
    lives(peer);
    peers_[peer].refused.refused(retry_after_ns, now_ns, random_, options_.refusal_ns_max);
}

void peer_health::lives(std::size_t peer) noexcept {
    if (peers_[peer].open) close(peers_[peer]);
}

void peer_health::note(record& peer, bool failure, std::int64_t now_ns) noexcept {
    if (peer.count > 0 && past(peer.last_ns, options_.memory_ns, now_ns)) peer.count = 0;
    if (peer.count == 0) peer.outcomes = 0;
    peer.outcomes = peer.outcomes << 1 | static_cast<std::uint64_t>(failure);
    peer.count = std::min(peer.count + 1, outcomes_max);
    peer.last_ns = now_ns;
}

bool peer_health::too_many(const record& peer) const noexcept {
    const auto in_row = static_cast<std::uint32_t>(std::countr_one(peer.outcomes));
    if (in_row >= options_.failures_in_row) return true;
    const auto failures = static_cast<std::uint64_t>(std::popcount(peer.outcomes));
    return peer.count >= options_.outcomes_min &&
           failures * 100 >= std::uint64_t{options_.failures_percent} * peer.count;
}

void peer_health::open(record& peer, std::int64_t now_ns) noexcept {
    if (!peer.open) {
        ++open_count_;
        // What it got wrong before a long time of peace is forgiven step by step.
        if (options_.calm_ns > 0 && now_ns > peer.opened_at_ns) {
            const auto calm = static_cast<double>(now_ns) - static_cast<double>(peer.opened_at_ns);
            const auto steps = calm / static_cast<double>(options_.calm_ns);
            peer.openings -=
                static_cast<std::uint32_t>(std::min(static_cast<double>(peer.openings), steps));
        }
    }
    auto ceiling = options_.open_ns_max;
    if (peer.openings < 62 && options_.open_ns_min <= (options_.open_ns_max >> peer.openings)) {
        ceiling = options_.open_ns_min << peer.openings;
    }
    const auto half = ceiling / 2;
    peer.open_for_ns =
        half +
        static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(ceiling - half)) + 1;
    peer.open = true;
    peer.openings = std::min(peer.openings + 1, 62U);
    peer.opened_at_ns = now_ns;
    peer.probe_at_ns = later(now_ns, peer.open_for_ns);
}

void peer_health::close(record& peer) noexcept {
    if (peer.open) --open_count_;
    peer.open = false;
    peer.count = 0;
    peer.outcomes = 0;
}

}  // namespace dunlin::cluster
