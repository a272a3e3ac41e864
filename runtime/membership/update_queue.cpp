// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/update_queue.hpp"

#include <algorithm>

namespace dunlin::runtime::membership {

void update_queue::add(instance_id member) {
    remove(member);
    if (waiting_.size() >= size_max_) waiting_.pop_back();
    waiting_.insert(waiting_.begin(), item{member, 0});
}

void update_queue::remove(instance_id member) {
    std::erase_if(waiting_, [&](const item& each) { return each.member == member; });
}

void update_queue::settle(std::size_t told, std::uint32_t times_max) {
    const bool told_all = told == waiting_.size();
    std::erase_if(waiting_, [&](const item& each) { return each.times >= times_max; });
    // Told all: all moved up by one, and the order has not changed.
    if (!told_all) {
        std::stable_sort(waiting_.begin(), waiting_.end(),
                         [](const item& a, const item& b) { return a.times < b.times; });
    }
}

}  // namespace dunlin::runtime::membership
