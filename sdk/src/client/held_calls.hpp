// SPDX-License-Identifier: Apache-2.0
//
// Calls that wait for a connection; what is needed to send them stays with their slots.
//
// They leave in the order they came. A call may end while it waits, by its deadline or its caller;
// its number goes when the next calls come, so that what is kept is at most twice what is in
// flight, and a little. Guarded by the driver's mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace dunlin::link {

class held_calls {
public:
    /// Kept beyond twice what is in flight, so that few calls are not looked through all the time.
    static constexpr std::size_t ended_min = 64;

    /// `in_flight`: how many calls are, this one included. `waits(id)`: whether that call still
    /// does.
    template <class Waits>
    void push(std::uint64_t added, std::size_t in_flight, Waits&& waits) {
        if (calls_.size() >= 2 * in_flight + ended_min)
            std::erase_if(calls_, [&](std::uint64_t each) { return !waits(each); });
        calls_.push_back(added);
    }
    [[nodiscard]] std::uint64_t pop() {
        const auto first = calls_.front();
        calls_.pop_front();
        return first;
    }
    [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
    void clear() noexcept { calls_.clear(); }

private:
    std::deque<std::uint64_t> calls_;
};

}  // namespace dunlin::link
