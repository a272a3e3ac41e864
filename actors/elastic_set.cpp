// SPDX-License-Identifier: Apache-2.0
#include "actors/elastic_set.hpp"

#include "support/kept_capacity.hpp"

#include <algorithm>

namespace dunlin::actors {

activation* elastic_set::take_idle() noexcept {
    if (idle_.empty()) return nullptr;
    auto* warmest = idle_.back();
    idle_.pop_back();
    idle_since_ns_.pop_back();
    return warmest;
}

// Each that is being started has its call in hand, which waits no less than those in the queue.
start_decision elastic_set::decide_start(std::size_t queued) const noexcept {
    return policy_.on_call(view(queued + starting_ + 1));
}

void elastic_set::start_begins(std::int64_t now_ns) noexcept {
    existing_.start(now_ns);
    ++starting_;
}

void elastic_set::start_ended(std::int64_t cost_ns) noexcept {
    --starting_;
    ++started_;
    start_cost_ns_ = cost_ns;
    policy_.started(cost_ns);
}

bool elastic_set::becomes_idle(activation& free, bool served, std::int64_t now_ns) {
    if (served) ++served_;
    // Threads bring times of their own, and the policy wants them in order.
    if (!idle_since_ns_.empty()) now_ns = std::max(now_ns, idle_since_ns_.back());
    idle_.push_back(&free);
    idle_since_ns_.push_back(now_ns);
    return policy_.became_idle(now_ns);
}

elastic_set::outcome elastic_set::look(std::int64_t now_ns, std::int64_t occupied_ns) {
    policy_.ended(served_, occupied_ns - occupied_ns_);
    served_ = 0;
    occupied_ns_ = occupied_ns;
    outcome done{policy_.look(now_ns, view(0)), {}};
    if (done.why.retire != 0) done.ending = take_coldest(done.why.retire, now_ns);
    return done;
}

std::vector<activation*> elastic_set::take_coldest(std::size_t count, std::int64_t now_ns) {
    count = std::min(count, idle_.size());
    const auto end = static_cast<std::ptrdiff_t>(count);
    std::vector<activation*> coldest(idle_.begin(), idle_.begin() + end);
    idle_.erase(idle_.begin(), idle_.begin() + end);
    idle_since_ns_.erase(idle_since_ns_.begin(), idle_since_ns_.begin() + end);
    existing_.end(count, now_ns);
    retired_ += count;
    if (idle_.empty()) {
        support::give_back_growth(idle_, support::empty_bytes_kept_each);
        support::give_back_growth(idle_since_ns_, support::empty_bytes_kept_each);
    }
    return coldest;
}

}  // namespace dunlin::actors
