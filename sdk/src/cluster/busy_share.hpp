// SPDX-License-Identifier: Apache-2.0
//
// How busy the servers of a function were recently: the number in a node's reports that makes
// shares fair.
//
// An exponentially weighted moving average (EWMA) over time, not over events: what was so for a
// window's length counts 63 %, what was before fades. The window is 200 ms, or 20 times of service
// where those are longer, since one call more or less must not look like a change of load
// (docs/decisions/0010); 10 s at most, so that what hung for long is not held against a node
// indefinitely. Time counts when it passes and not when a call ends, so servers whose calls hang
// are busy. Pure: time is handed in. One owner, one thread; a pool's is guarded by its lock.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace dunlin::cluster {

class busy_share {
public:
    static constexpr std::int64_t window_ns_min = 200'000'000;
    static constexpr std::int64_t window_ns_max = 10'000'000'000;
    static constexpr std::int64_t services_min = 20;
    /// Samples closer than this would measure single calls.
    static constexpr std::int64_t sample_ns_min = 10'000'000;

    explicit busy_share(std::int64_t now_ns) noexcept : at_ns_(now_ns) {}

    /// From the last time until `now_ns`, this share (0 to 1) of the servers' time was in use: by
    /// whatever function, where functions share servers. `service_ns` is the function's own.
    void advance(double share, std::int64_t service_ns, std::int64_t now_ns) noexcept {
        if (now_ns <= at_ns_) return;  // a clock that stands still or goes back changes nothing
        const auto passed_ns = passed(now_ns);
        at_ns_ = now_ns;
        const auto window_ns =
            std::clamp(static_cast<double>(services_min) * static_cast<double>(service_ns),
                       static_cast<double>(window_ns_min), static_cast<double>(window_ns_max));
        const auto weight = -std::expm1(-passed_ns / window_ns);
        // `share` first: comparisons with a NaN are false, so it comes out as 0.
        value_ += weight * (std::min(std::max(0.0, share), 1.0) - value_);
    }

    /// Whether `sample` has something to measure. `pause_ns`: how long it may be left alone.
    [[nodiscard]] bool is_due(std::int64_t pause_ns, std::int64_t now_ns) const noexcept {
        return now_ns > at_ns_ &&
               passed(now_ns) >= static_cast<double>(std::max(pause_ns, sample_ns_min));
    }
    /// The same from a running total: `used_ns` is the time that servers were used until now, by
    /// the calls that have ended and by those that run. There are `servers` of them.
    void sample(std::int64_t used_ns, std::size_t servers, std::int64_t service_ns,
                std::int64_t now_ns) noexcept {
        if (!is_due(sample_ns_min, now_ns)) return;
        const auto possible_ns =
            passed(now_ns) * static_cast<double>(std::max<std::size_t>(servers, 1));
        advance(static_cast<double>(used_ns - used_ns_) / possible_ns, service_ns, now_ns);
        used_ns_ = used_ns;
    }

    [[nodiscard]] float value() const noexcept { return static_cast<float>(value_); }

private:
    [[nodiscard]] double passed(std::int64_t now_ns) const noexcept {
        return static_cast<double>(static_cast<std::uint64_t>(now_ns) -
                                   static_cast<std::uint64_t>(at_ns_));
    }

    double value_ = 0;
    std::int64_t at_ns_;
    std::int64_t used_ns_ = 0;
};

}  // namespace dunlin::cluster
