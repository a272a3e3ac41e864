// SPDX-License-Identifier: Apache-2.0
//
// Things to do at times to come.
//
// Faults begin and end while others go on; a script holds what is left to do, whatever it is
// about. One owner, one thread; it outlives the run.
#pragma once

#include "tests/sim/virtual_time.hpp"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace dunlin::sim {

class script final : private virtual_time::handler {
public:
    explicit script(virtual_time& time) noexcept : time_(time) {}

    void in(std::int64_t span_ns, std::function<void()> act) {
        acts_.push_back(std::move(act));
        time_.at(time_.now_ns() + span_ns, *this, acts_.size() - 1);
    }

private:
    void handle(std::uint64_t what) override { std::exchange(acts_[what], {})(); }

    virtual_time& time_;
    std::vector<std::function<void()>> acts_;
};

}  // namespace dunlin::sim
