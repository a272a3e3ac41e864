// SPDX-License-Identifier: Apache-2.0
//
// How peers hear that their node drains, and for how long it takes calls from those that have not.
//
// A call that a peer sent before it heard is still taken, so nobody loses a call by the drain. A
// pong that comes back behind the notice shows that the peer knows; one that never answers does not
// keep the node, for there is a time after which all count as knowing. Part of a lane; one thread.
#pragma once

#include "runtime/lane/counters.hpp"
#include "runtime/lane/outlet.hpp"
#include "runtime/lane/peer.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace dunlin::runtime {

class drain_notice {
public:
    /// How long calls are taken from a peer that does not say that it has heard.
    static constexpr std::int64_t grace_ns = 500'000'000;

    /// `now_ns` is the lane's time.
    drain_notice(outlet& out, lane_counters& counters, const std::int64_t& now_ns)
        : outlet_(out),
          counters_(counters),
          now_ns_(now_ns) {}

    /// Whether the node drains.
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    /// Tells all peers. Peers that come later hear it with their welcome.
    void begin() {
        begun_ = true;
        until_ns_ = now_ns_ + grace_ns;
        outlet_.peers().for_each([this](peer& each) {
            each.drain_due = true;
            outlet_.say_goaway(each);
            outlet_.say(each, wire::ping{drain_token});
        });
    }
    /// The lane ends: there is no more time for anybody to hear it in.
    void cut_short() noexcept { begun_ = true; }

    /// At the end of a turn: who does not know yet, and no longer counts when the time is over.
    void tend() {
        if (!begun_) return;
        std::size_t unaware = 0;
        outlet_.peers().for_each([&](peer& each) {
            if (now_ns_ >= until_ns_) each.drain_due = false;
            unaware += each.drain_due ? 1 : 0;
        });
        counters_.peers_unaware.set(unaware);
        counters_.draining.publish(1);
    }
    /// When `tend` is to be called at the latest.
    [[nodiscard]] std::int64_t due_ns() const noexcept {
        return begun_ && now_ns_ < until_ns_ ? until_ns_ : std::numeric_limits<std::int64_t>::max();
    }

private:
    outlet& outlet_;
    lane_counters& counters_;
    const std::int64_t& now_ns_;
    bool begun_ = false;
    std::int64_t until_ns_ = 0;
};

}  // namespace dunlin::runtime
