// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/round_trips.hpp"

#include <algorithm>
#include <cstdlib>

namespace dunlin::runtime::membership {
namespace {

// RFC 6298, section 2: alpha 1/8, beta 1/4, K 4, and the granularity G of a busy node's clock.
constexpr std::int64_t smoothing = 8;
constexpr std::int64_t variation_smoothing = 4;
constexpr std::int64_t variations = 4;
constexpr std::int64_t granularity_ns = 10'000'000;

}  // namespace

void round_trips::learn(instance_id member, std::int64_t round_trip_ns) {
    if (round_trip_ns <= near_ns_) return forget(member);
    // Beyond any timeout it was not the way that took so long.
    if (round_trip_ns > timeout_max_ns_) return;
    const auto found = far_.find(member);
    if (found == far_.end()) {
        if (far_.size() >= members_max_) return;
        far_.emplace(member, estimate{round_trip_ns, round_trip_ns / 2});
        return;
    }
    auto& known = found->second;
    const auto off_ns = std::abs(known.smoothed_ns - round_trip_ns);
    known.variation_ns += (off_ns - known.variation_ns) / variation_smoothing;
    known.smoothed_ns += (round_trip_ns - known.smoothed_ns) / smoothing;
}

std::int64_t round_trips::timeout_of(const estimate& known) const noexcept {
    const auto margin_ns = std::max(granularity_ns, variations * known.variation_ns);
    return std::clamp(known.smoothed_ns + margin_ns, near_ns_, timeout_max_ns_);
}

std::int64_t round_trips::timeout_ns(instance_id member) const noexcept {
    const auto found = far_.find(member);
    return found == far_.end() ? near_ns_ : timeout_of(found->second);
}

}  // namespace dunlin::runtime::membership
