// SPDX-License-Identifier: Apache-2.0
//
// The keys that a benchmark spreads its calls over: all alike, or few of them often (Zipf).
//
// Key k of K has probability proportional to 1 / k^S; S = 0 is the same for all. Which key the n-th
// call gets depends on the seed and n alone, so a run can be repeated. Made before the calls begin;
// `next` from any thread, without a lock.
#pragma once

#include "cluster/random.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

class bench_keys {
public:
    static constexpr std::size_t count_max = 100'000'000;

    bench_keys(std::size_t count, double exponent, std::uint64_t seed)
        : seed_(seed),
          count_(count) {
        if (exponent == 0) return;
        reached_.reserve(count);
        double sum = 0;
        for (std::size_t k = 1; k <= count; ++k)
            reached_.push_back(sum += std::pow(static_cast<double>(k), -exponent));
    }

    /// Writes the key of the next call into `buffer`, where it stays.
    [[nodiscard]] std::string_view next(std::string& buffer) {
        const auto drawn = cluster::mix(seed_ + drawn_.fetch_add(1, std::memory_order_relaxed));
        auto number = drawn % count_;
        if (!reached_.empty()) {
            const auto at = static_cast<double>(drawn >> 11) * 0x1p-53 * reached_.back();
            const auto found = std::upper_bound(reached_.begin(), reached_.end(), at);
            number = std::min(static_cast<std::size_t>(found - reached_.begin()), count_ - 1);
        }
        buffer = "key-";
        buffer += std::to_string(number);
        return buffer;
    }

private:
    const std::uint64_t seed_;
    const std::size_t count_;
    std::vector<double> reached_;  // sums of the weights up to each key; empty: all are alike
    std::atomic<std::uint64_t> drawn_{0};
};

}  // namespace dunlin::program
