// SPDX-License-Identifier: Apache-2.0
//
// Which members there is news about, and how often it has been told.
//
// The queue holds members, not statements: what is told is what is known when it is told, so a
// newer statement replaces an older one by itself. The least often told go first. Owned by
// `swim`; one thread.
#pragma once

#include "runtime/membership/member.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::runtime::membership {

class update_queue {
public:
    explicit update_queue(std::size_t size_max) noexcept : size_max_(size_max) {}

    /// There is news about `member`, told to nobody yet.
    void add(instance_id member);
    void remove(instance_id member);

    /// Calls `take(instance)` for one after another until it returns false (not told) or all were
    /// told once. Those told `times_max` times are done.
    template <class Take>
    void tell(std::uint32_t times_max, Take&& take) {
        std::size_t told = 0;
        while (told < waiting_.size() && take(waiting_[told].member)) ++waiting_[told++].times;
        if (told != 0) settle(told, times_max);
    }

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

private:
    struct item {
        instance_id member = no_instance;
        std::uint32_t times = 0;
    };
    void settle(std::size_t told, std::uint32_t times_max);

    std::size_t size_max_;
    std::vector<item> waiting_;  // ascending by times
};

}  // namespace dunlin::runtime::membership
