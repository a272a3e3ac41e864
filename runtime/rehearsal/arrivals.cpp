// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/arrivals.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin::runtime::rehearsal {

arrivals::arrivals(std::span<const std::int64_t> edges_ns, std::span<const std::uint32_t> counts,
                   arrival_kind kind, std::int64_t second_ns, chance from) noexcept
    : edges_ns_(edges_ns),
      counts_(counts),
      kind_(kind),
      second_ns_(second_ns),
      chance_(from) {
    advance();
}

void arrivals::advance() noexcept {
    while (period_ < counts_.size() && given_ == counts_[period_]) {
        ++period_;
        given_ = 0;
        left_ = 1;
    }
    if (period_ == counts_.size()) {
        next_ns_ = never;
        return;
    }
    const auto begin = edges_ns_[period_];
    const auto length = edges_ns_[period_ + 1] - begin;
    const auto at =
        begin + static_cast<std::int64_t>(within_period() * static_cast<double>(length));
    // Rounding may neither leave the period nor go back.
    next_ns_ = std::clamp(at, std::max(begin, next_ns_), begin + length);
    ++given_;
}

double arrivals::within_period() noexcept {
    const auto count = static_cast<double>(counts_[period_]);
    const auto given = static_cast<double>(given_);
    if (kind_ == arrival_kind::even) return (given + 0.5) / count;
    if (kind_ == arrival_kind::poisson) {
        // The next of the order statistics: the smallest of as many uniform ones as are left.
        left_ *= std::exp(-chance_.exponential() / (count - given));
        return 1 - left_;
    }
    const auto length = static_cast<double>(edges_ns_[period_ + 1] - edges_ns_[period_]);
    const double seconds = std::max(1.0, std::ceil(length / static_cast<double>(second_ns_)));
    return std::min(std::floor(given * seconds / count) / seconds, 1.0);
}

}  // namespace dunlin::runtime::rehearsal
