// SPDX-License-Identifier: Apache-2.0
//
// How many activations a pool should have.
//
// A pool asks with the facts of the moment and carries out the answer. Pure: implementations hold
// no thread, socket or clock, so they run in virtual time in tests and in a simulator. Called
// under the pool's lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dunlin::actors {

struct pool_load {
    std::size_t activations = 0;  // that exist
    std::size_t busy = 0;         // of those, with an invocation
    std::size_t queued = 0;       // invocations waiting
    std::int64_t service_ns = 0;  // predicted, of one invocation
};

class scaling_policy {
public:
    virtual ~scaling_policy() = default;
    /// How many activations there should be now.
    [[nodiscard]] virtual std::size_t target(const pool_load& load) const = 0;
    /// How many to spawn when the pool is made.
    [[nodiscard]] virtual std::size_t initial() const = 0;
};

/// Always the same number: an idle activation costs its memory only.
class fixed_scaling final : public scaling_policy {
public:
    explicit fixed_scaling(std::size_t activations) noexcept : activations_(activations) {}

    [[nodiscard]] std::size_t target(const pool_load& /*load*/) const override {
        return activations_;
    }
    [[nodiscard]] std::size_t initial() const override { return activations_; }

private:
    std::size_t activations_;
};

}  // namespace dunlin::actors
