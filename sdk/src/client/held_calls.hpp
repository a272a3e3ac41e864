// SPDX-License-Identifier: Apache-2.0
//
// Calls that wait for a connection, encoded but for their envelopes.
//
// They leave in the order they came. A call may end while it waits, by its deadline or its caller;
// its bytes go when the next calls come, so that what is kept is at most twice what is in flight,
// and a little. Guarded by the driver's mutex.
#pragma once

#include "wire/frame_buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace dunlin::link {

struct held_call {
    std::uint64_t id;
    std::string trace;
    std::string key;
    wire::frame_buffer payload;
};

class held_calls {
public:
    /// Kept beyond twice what is in flight, so that few calls are not looked through all the time.
    static constexpr std::size_t ended_min = 64;

    /// `in_flight`: how many calls are, this one included. `waits(id)`: whether that call still
    /// does.
    template <class Waits>
    void push(held_call added, std::size_t in_flight, Waits&& waits) {
        if (calls_.size() >= 2 * in_flight + ended_min)
            std::erase_if(calls_, [&](const held_call& each) { return !waits(each.id); });
        calls_.push_back(std::move(added));
    }
    [[nodiscard]] held_call pop() {
        held_call first = std::move(calls_.front());
        calls_.pop_front();
        return first;
    }
    [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
    void clear() noexcept { calls_.clear(); }

private:
    std::deque<held_call> calls_;
};

}  // namespace dunlin::link
