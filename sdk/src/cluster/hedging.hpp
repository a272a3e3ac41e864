// SPDX-License-Identifier: Apache-2.0
//
// When a second copy of a call is sent elsewhere because the first one takes unusually long.
//
// After the time in which 95 of 100 calls of the function were answered, so that about one call
// in twenty is sent twice at most, and within a budget of 3 in a hundred, so that a function that
// became slow altogether is not made slower (Dean and Barroso: "The tail at scale", 2013). Only
// functions declared idempotent may be asked about; the sender of the copy cancels the loser.
// Pure: time is handed in. One owner, one thread: one for each function.
#pragma once

#include "cluster/latency_quantile.hpp"
#include "cluster/token_bucket.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace dunlin::cluster {

class hedging {
public:
    static constexpr token_bucket_options defaults{.deposit_permille = 30,
                                                   .floor_per_second = 0,
                                                   .tokens_max = 50,
                                                   .tokens_first = 0,
                                                   .half_life_ns = 0};
    /// Fewer answers than this say nothing about one in twenty.
    static constexpr std::uint64_t samples_min = 100;
    /// A copy sooner than this costs more than it can save.
    static constexpr std::int64_t delay_ns_min = 1'000'000;

    explicit hedging(std::int64_t now_ns, const token_bucket_options& options = defaults) noexcept
        : tokens_(options, now_ns) {}

    /// A call was sent for the first time.
    void called() noexcept { tokens_.deposit(); }
    /// The first copy was answered after `latency_ns`. If the second copy won, how long the first
    /// one had taken until then: else the delay would shrink with each success.
    void answered(std::int64_t latency_ns) noexcept { latency_.record(latency_ns); }

    /// How long after a call was sent its copy is due; nothing while too little is known.
    [[nodiscard]] std::optional<std::int64_t> delay_ns() const noexcept {
        if (latency_.samples() < samples_min) return std::nullopt;
        return std::max(latency_.value_ns(), delay_ns_min);
    }
    /// The delay has passed and no answer came: may the copy go? Takes from the budget.
    [[nodiscard]] bool may_hedge(std::int64_t now_ns) noexcept {
        return latency_.samples() >= samples_min && tokens_.withdraw(now_ns);
    }

private:
    latency_quantile latency_{95};
    token_bucket tokens_;
};

}  // namespace dunlin::cluster
