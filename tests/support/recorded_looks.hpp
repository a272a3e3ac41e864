// SPDX-License-Identifier: Apache-2.0
//
// Stands for the thread that looks at pools: the looks that pools ask for wait until a test, or the
// virtual time of a simulation, has them made. Any number of pools; one thread at a time.
#pragma once

#include "actors/pool.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace dunlin::testing {

class recorded_looks final : public actors::look_service {
public:
    // The threads of blocking functions ask, too.
    void look_at(actors::pool& which, std::int64_t at_ns) override {
        const std::lock_guard lock(mutex_);
        asked_.emplace_back(&which, at_ns);
    }
    [[nodiscard]] std::size_t asked() const {
        const std::lock_guard lock(mutex_);
        return asked_.size();
    }
    /// Has those made that are due. @returns when the next one is.
    std::int64_t make(std::int64_t now_ns) {
        std::vector<std::pair<actors::pool*, std::int64_t>> due;
        {
            const std::lock_guard lock(mutex_);
            const auto first =
                std::stable_partition(asked_.begin(), asked_.end(),
                                      [&](const auto& each) { return each.second > now_ns; });
            due.assign(first, asked_.end());
            asked_.erase(first, asked_.end());
        }
        for (const auto& [which, at_ns] : due)
            if (const auto next_ns = which->look(now_ns).next_ns;
                next_ns != actors::elastic_policy::never)
                look_at(*which, next_ns);
        const std::lock_guard lock(mutex_);
        auto earliest_ns = actors::elastic_policy::never;
        for (const auto& each : asked_) earliest_ns = std::min(earliest_ns, each.second);
        return earliest_ns;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::pair<actors::pool*, std::int64_t>> asked_;
};

}  // namespace dunlin::testing
