// SPDX-License-Identifier: Apache-2.0
//
// The pool of a keyed function: calls that come to their keys, and come back with a grant.
#include "actors/activation.hpp"
#include "actors/pool.hpp"
#include "actors/state_space.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::actors {

namespace {

std::int64_t arrival_of(bundle& work, const steady_time& time) noexcept {
    const auto arrived_ns = work[0].arrived_ns;
    return arrived_ns != 0 ? arrived_ns : time.now_ns();
}

}  // namespace

// Its calls come to their keys first. Those that wait there come back with a grant; a bundle of
// which none holds its key has nothing to do here.
pool::verdict pool::take_keyed(bundle_ptr& work) {
    const auto count = work->size();
    {
        const held_lock lock(mutex_);
        if (closed_ || unanswered_ + count > queue_.room_max()) return {};
        unanswered_ += count;
        taken_ += count;
        activations_.arrived(arrival_of(*work, env_.time));
    }
    const auto come = space_->arrive(*this, work);
    if (come.refused != 0) {
        const held_lock lock(mutex_);
        unanswered_ -= come.refused;
        pushed_out_ += come.refused;
    }
    if (come.hold == 0) {
        work = {};
        return {};
    }
    const auto held = work;
    auto told = take(work, 0);
    if (!work) return told;
    // Those of them that wait for a key are answered, too, and have a turn in which they do not
    // run.
    {
        const held_lock lock(mutex_);
        unanswered_ -= std::min<std::size_t>(unanswered_, come.hold);
        taken_ -= count;
    }
    space_->withdraw(*held);
    told.room = 0;
    return told;
}

// They were admitted when they came; what they wait for now is an activation.
void pool::resume(key_grant held) {
    activation* ready = nullptr;
    {
        held_lock lock(mutex_);
        if (closed_) return;  // all that wait have been answered
        ready = activations_.take_idle();
        if (ready == nullptr && activations_.decide_start(queue_.size() + granted_.size()).start)
            ready = start_one(lock, scaling_reason::none_idle);
        if (closed_) return;
        if (ready == nullptr) return granted_.push_back(std::move(held));
    }
    ready->start(std::move(held));
}

void pool::answered(std::int32_t count) {
    if (count == 0) return;
    const std::lock_guard lock(mutex_);
    const auto now = static_cast<std::int64_t>(unanswered_) - count;
    unanswered_ = static_cast<std::size_t>(std::max<std::int64_t>(now, 0));
}

}  // namespace dunlin::actors
