// SPDX-License-Identifier: Apache-2.0
//
// How busy the servers of a function were of late: the number in a node's reports that makes
// shares fair.
//
// An average that weighs time, not events: what was so for a window's length counts 63 %, what was
// before fades. The window is 200 ms, or 20 times of service where those are longer, since one
// call more or less must not look like a change of load (docs/decisions/0010).
// Pure: time is handed in. One owner, one thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace dunlin::cluster {

class busy_share {
public:
    static constexpr std::int64_t window_ns_min = 200'000'000;
    static constexpr std::int64_t services_min = 20;

    explicit busy_share(std::int64_t now_ns) noexcept : at_ns_(now_ns) {}

    /// From the last time until `now_ns`, this share (0 to 1) of the servers' time was in use: by
    /// whatever function, where functions share servers. `service_ns` is the function's own.
    void advance(double share, std::int64_t service_ns, std::int64_t now_ns) noexcept {
        if (now_ns <= at_ns_) return;  // a clock that stands still or goes back changes nothing
        const auto passed_ns = static_cast<double>(static_cast<std::uint64_t>(now_ns) -
                                                   static_cast<std::uint64_t>(at_ns_));
        at_ns_ = now_ns;
        const auto window_ns =
            std::max(static_cast<double>(window_ns_min),
                     static_cast<double>(services_min) * static_cast<double>(service_ns));
        const auto heed = -std::expm1(-passed_ns / window_ns);
        // `share` first: comparisons with a NaN are false, so it comes out as 0.
        value_ += heed * (std::min(std::max(0.0, share), 1.0) - value_);
    }

    [[nodiscard]] float value() const noexcept { return static_cast<float>(value_); }

private:
    double value_ = 0;
    std::int64_t at_ns_;
};

}  // namespace dunlin::cluster
