// SPDX-License-Identifier: Apache-2.0
//
// How a policy sees a pool with one queue, and what it may ask for. Interface only; owner:
// `pool_model`, one thread.
#pragma once

#include "actors/elastic_policy.hpp"

#include <cstddef>
#include <cstdint>

namespace dunlin::runtime::rehearsal {

class scaler {
public:
    struct change {
        std::size_t start = 0;
        std::size_t retire = 0;  // idle ones first, the longest idle before others; then busy ones,
                                 // which end after their call
    };

    virtual ~scaler() = default;
    /// What there has to be before the first call.
    [[nodiscard]] virtual std::size_t initial() const noexcept { return 0; }
    /// A call was taken in.
    virtual void arrived(std::int64_t /*now_ns*/) noexcept {}
    /// A call has found none idle and waits; how many are started because of it.
    [[nodiscard]] virtual std::size_t starts_for_call(std::int64_t now_ns,
                                                      const actors::elastic_view& view) = 0;
    virtual void started(std::int64_t /*cost_ns*/) noexcept {}
    virtual void ended(std::int64_t /*now_ns*/, std::int64_t /*service_ns*/) noexcept {}
    virtual void became_idle(std::int64_t /*now_ns*/) noexcept {}
    /// When it wants to look, or `never`.
    [[nodiscard]] virtual std::int64_t look_at_ns() const noexcept = 0;
    [[nodiscard]] virtual change look(std::int64_t now_ns, const actors::elastic_view& view) = 0;
};

}  // namespace dunlin::runtime::rehearsal
