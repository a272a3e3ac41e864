// SPDX-License-Identifier: Apache-2.0
//
// How many retries a caller may make, so that a cluster that fails sees no storm of them.
//
// Every first attempt allows for a sixth of a retry: a caller whose every call fails asks at most
// a sixth more than it does in peace. Ten a second are always allowed, so that rare calls can be
// retried at all. What a busy caller has saved, up to 10,000, is there when a node dies with many
// calls in flight; half of it is forgotten every 10 s (Finagle's RetryBudget keeps 10 s).
// Pure: time is handed in. One owner, one thread: one budget for each caller, or connection.
#pragma once

#include "cluster/token_bucket.hpp"

#include <cstdint>

namespace dunlin::cluster {

class retry_budget {
public:
    static constexpr token_bucket_options defaults{.deposit_permille = 167,
                                                   .floor_per_second = 10,
                                                   .tokens_max = 10'000,
                                                   .tokens_first = 100,
                                                   .half_life_ns = 10'000'000'000};

    explicit retry_budget(std::int64_t now_ns,
                          const token_bucket_options& options = defaults) noexcept
        : tokens_(options, now_ns) {}

    /// A call was sent for the first time.
    void called() noexcept { tokens_.deposit(); }
    /// One retry. @returns false: answer the caller with the failure instead.
    [[nodiscard]] bool may_retry(std::int64_t now_ns) noexcept { return tokens_.withdraw(now_ns); }
    /// Retries that could be made now.
    [[nodiscard]] std::uint64_t left(std::int64_t now_ns) noexcept {
        return tokens_.tokens(now_ns);
    }

private:
    token_bucket tokens_;
};

}  // namespace dunlin::cluster
