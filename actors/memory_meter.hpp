// SPDX-License-Identifier: Apache-2.0
//
// What the actors of a node hold, as its budget of memory counts it: activations, and the calls
// that functions have made.
//
// Counted where they begin and end, so that the budget is right at any time without a look at all
// pools. What user code allocates is not seen. One per node; any thread.
#pragma once

#include <atomic>
#include <cstddef>

namespace dunlin::actors {

/// What an activation takes with its call, about.
inline constexpr std::size_t activation_bytes = std::size_t{2} << 10;

class memory_meter {
public:
    void add(std::size_t bytes) noexcept { held_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) noexcept {
        held_.fetch_sub(bytes, std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t held() const noexcept {
        return held_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::size_t> held_{0};
};

}  // namespace dunlin::actors
