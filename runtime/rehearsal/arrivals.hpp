// SPDX-License-Identifier: Apache-2.0
//
// When the calls of a function come, made from how many come in each period.
//
// The counts are kept exactly; the kind says where in the period the calls are:
//   even     equally far apart, the first one half a distance after the period's start
//   poisson  anywhere, independently of each other: a Poisson process given its count
//   burst    all calls of a second at its start, the second being the k-th of the period. A
//            period's calls are shared evenly by its seconds; one shorter than a second is one
//            burst
// One owner, one thread; nothing is kept but the place in the trace.
#pragma once

#include "runtime/rehearsal/chance.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

namespace dunlin::runtime::rehearsal {

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
/// Nothing takes longer than until then, so that times can be added.
inline constexpr std::int64_t time_end = never / 2;

[[nodiscard]] constexpr std::int64_t after(std::int64_t now_ns, std::int64_t duration_ns) noexcept {
    return now_ns >= time_end || duration_ns >= time_end - now_ns ? std::max(now_ns, time_end)
                                                                  : now_ns + duration_ns;
}

enum class arrival_kind { even, poisson, burst };

class arrivals {
public:
    /// `counts` by period, between `edges_ns`, which are one more. `second_ns` is the second of
    /// bursts. What the spans point to has to outlive this.
    arrivals(std::span<const std::int64_t> edges_ns, std::span<const std::uint32_t> counts,
             arrival_kind kind, std::int64_t second_ns, chance from) noexcept;

    /// Of the next call; `never` after the last.
    [[nodiscard]] std::int64_t next_ns() const noexcept { return next_ns_; }
    void advance() noexcept;

private:
    [[nodiscard]] double within_period() noexcept;  // from 0 to 1

    std::span<const std::int64_t> edges_ns_;
    std::span<const std::uint32_t> counts_;
    arrival_kind kind_;
    std::int64_t second_ns_;
    chance chance_;
    std::size_t period_ = 0;
    std::uint32_t given_ = 0;  // of this period
    double left_ = 1;          // part of the period behind the last call
    std::int64_t next_ns_ = 0;
};

}  // namespace dunlin::runtime::rehearsal
