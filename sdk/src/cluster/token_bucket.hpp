// SPDX-License-Identifier: Apache-2.0
//
// A bounded store of tokens that calls pay in and time pays in, so that extra work stays a small
// share of the work asked for.
//
// Retries and hedged copies draw from such a store: when everything fails, they add a fixed share
// to the load and no storm. After Finagle's RetryBudget: each call deposits a fraction; a floor a
// second keeps rare callers alive; what is not used is forgotten after a while.
// Pure: time is handed in. One owner, one thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace dunlin::cluster {

struct token_bucket_options {
    /// Tokens that one call pays in, in thousandths.
    std::uint32_t deposit_permille = 0;
    /// Tokens that time pays in.
    std::uint32_t floor_per_second = 0;
    /// Never more than this are held.
    std::uint32_t tokens_max = 0;
    /// Held at the beginning.
    std::uint32_t tokens_first = 0;
    /// Half of what is unused is forgotten after this time. Zero: nothing is.
    std::int64_t half_life_ns = 0;
};

class token_bucket {
public:
    token_bucket(const token_bucket_options& options, std::int64_t now_ns) noexcept
        : options_(options),
          deposit_(options.deposit_permille / 1'000.0),
          held_(std::min(options.tokens_first, options.tokens_max)),
          at_ns_(now_ns) {}

    /// A call that is no extra work was made. A few instructions.
    void deposit() noexcept { held_ = std::min(held_ + deposit_, held_max()); }

    /// Takes one token. @returns false if there is none, and then the extra work must not be done.
    [[nodiscard]] bool withdraw(std::int64_t now_ns) noexcept {
        advance(now_ns);
        if (held_ < 1 - rounding) return false;
        held_ = std::max(held_ - 1, 0.0);
        return true;
    }

    /// Whole tokens held.
    [[nodiscard]] std::uint64_t tokens(std::int64_t now_ns) noexcept {
        advance(now_ns);
        return static_cast<std::uint64_t>(held_ + rounding);
    }

private:
    static constexpr double rounding = 1e-6;

    [[nodiscard]] double held_max() const noexcept { return options_.tokens_max; }

    void advance(std::int64_t now_ns) noexcept {
        // A clock that stands still or goes back pays nothing and costs nothing.
        if (now_ns <= at_ns_) return;
        // The difference of two clock readings, in unsigned arithmetic, cannot overflow.
        const auto passed_ns = static_cast<double>(static_cast<std::uint64_t>(now_ns) -
                                                   static_cast<std::uint64_t>(at_ns_));
        at_ns_ = now_ns;
        if (options_.half_life_ns > 0) {
            held_ *= std::exp2(-passed_ns / static_cast<double>(options_.half_life_ns));
        }
        held_ = std::min(held_ + passed_ns * 1e-9 * options_.floor_per_second, held_max());
    }

    token_bucket_options options_;
    double deposit_;
    double held_;
    std::int64_t at_ns_;
};

}  // namespace dunlin::cluster
