// SPDX-License-Identifier: Apache-2.0
//
// How long a node that said `overloaded` is left alone.
//
// A full node refuses many callers within a moment and gives them the same time to come back; if
// all kept to it exactly they would be back in one moment, and be refused again. So each caller
// adds up to half of the time at random (jitter): it never returns sooner than it was asked to. The
// share is drawn once for each pause. Callers with thousands of calls in flight are refused as
// often, and the longest of as many draws would be the same for all of them.
//
// Pure: time and the source of chance are handed in. One owner, one thread.
#pragma once

#include "cluster/random.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace dunlin::cluster {

/// `hint` and up to half of it more; nothing for nothing.
[[nodiscard]] constexpr std::uint64_t with_jitter(std::uint64_t hint,
                                                  random_source& random) noexcept {
    const auto more =
        static_cast<std::uint64_t>(static_cast<double>(hint) / 2 * random.next_unit());
    return hint > std::numeric_limits<std::uint64_t>::max() - more ? hint : hint + more;
}

class refusal_pause {
public:
    /// Without a hint.
    static constexpr std::int64_t default_ns = 10'000'000;
    /// A longer hint is not kept to: nodes come up, and queues empty, sooner than they feared.
    static constexpr std::int64_t hint_ns_max = 5'000'000'000;

    /// Refused with a time to come back; zero or less: without one. A pause that is under way gets
    /// no shorter.
    constexpr void refused(std::int64_t retry_after_ns, std::int64_t now_ns, random_source& random,
                           std::int64_t hint_max_ns = hint_ns_max) noexcept {
        if (retry_after_ns <= 0) retry_after_ns = default_ns;
        const auto hint =
            std::clamp<std::int64_t>(retry_after_ns, 0, std::max<std::int64_t>(hint_max_ns, 0));
        if (over(now_ns)) share_ = random.next_unit();
        const auto for_ns =
            hint + static_cast<std::int64_t>(static_cast<double>(hint) / 2 * share_);
        constexpr auto end = std::numeric_limits<std::int64_t>::max();
        until_ns_ = std::max(until_ns_, now_ns > end - for_ns ? end : now_ns + for_ns);
    }
    [[nodiscard]] constexpr bool over(std::int64_t now_ns) const noexcept {
        return now_ns >= until_ns_;
    }

private:
    std::int64_t until_ns_ = std::numeric_limits<std::int64_t>::min();
    double share_ = 0;  // of half the hint
};

}  // namespace dunlin::cluster
