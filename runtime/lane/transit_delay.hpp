// SPDX-License-Identifier: Apache-2.0
//
// By how much later than usual a peer's frames arrive: an estimate of one-way queueing delay.
//
// A deadline travels as the time that is left when a call is sent, and nobody's clock is anybody
// else's, so what a call spends on its way does not count. Mostly that is nothing. But while a node
// is stopped, or the way to it is cut, frames lie in buffers for seconds, and their callers have
// given up when they are read. So frames say when they were sent by the sender's own steady clock.
// The smallest difference to ours that was seen is the clocks' offset and the shortest way; what a
// frame is beyond it, it has waited somewhere (as in LEDBAT, RFC 6817). Three things move the base:
// a frame that came quicker, at once; clocks that drift apart, up to `drift_permille`; and when all
// frames are late for `settle_ns`, a clock has jumped (a machine was asleep) or the way has become
// longer, and the least late of them is the base from then on.
// Never sooner than true, but for the drift: a call is not taken for late that is not.
// Pure: time is handed in. One for each connection; one thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dunlin::runtime {

class transit_delay {
public:
    /// How much faster one clock may be than the other. Slewed ones differ by 0.5 at most.
    static constexpr std::int64_t drift_permille = 1;
    /// After a moment in which everything was late, everything that is not is read within this.
    static constexpr std::int64_t settle_ns = 2'000'000'000;
    /// Less than this is no jump, only a busy moment.
    static constexpr std::int64_t jump_ns_min = 50'000'000;

    /// Of a frame that says that it was sent at `sent_us`, and is read now.
    /// @returns how much longer than the shortest its way was; at least 0.
    [[nodiscard]] std::int64_t late_ns(std::uint64_t sent_us, std::int64_t now_ns) noexcept {
        // Modulo 2^64: what a peer says may be anything.
        const auto difference = static_cast<std::uint64_t>(now_ns) - sent_us * 1000;
        if (!known_) {
            known_ = true;
            base_ = difference;
            looked_ns_ = now_ns;
            return 0;
        }
        base_ += static_cast<std::uint64_t>((now_ns - looked_ns_) * drift_permille / 1000);
        looked_ns_ = now_ns;
        const auto late = beyond_base(difference);
        if (late <= 0) base_ = difference;
        if (late < jump_ns_min) {
            all_late_ = false;
            return std::max<std::int64_t>(late, 0);
        }
        if (!all_late_) {
            all_late_ = true;
            all_late_since_ns_ = now_ns;
            least_ = late;
        }
        least_ = std::min(least_, late);
        if (now_ns - all_late_since_ns_ < settle_ns) return late;
        all_late_ = false;
        base_ += static_cast<std::uint64_t>(least_);
        return late - least_;
    }

private:
    [[nodiscard]] std::int64_t beyond_base(std::uint64_t difference) const noexcept {
        return static_cast<std::int64_t>(difference - base_);
    }

    bool known_ = false;
    bool all_late_ = false;
    std::uint64_t base_ = 0;  // the smallest difference of the clocks, modulo 2^64
    std::int64_t looked_ns_ = 0;
    std::int64_t all_late_since_ns_ = 0;
    std::int64_t least_ = 0;  // since then
};

}  // namespace dunlin::runtime
