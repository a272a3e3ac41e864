// SPDX-License-Identifier: Apache-2.0
#include "actors/key_offers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dunlin::actors {

key_offers::key_offers(std::vector<key_handover> spaces, limits of)
    : spaces_(std::move(spaces)),
      limits_(of) {}

void key_offers::came(std::string_view space, const std::vector<std::string_view>& keys) {
    const auto found = std::find_if(spaces_.begin(), spaces_.end(), [&](const auto& each) {
        return each.space().how().name == space;
    });
    if (found == spaces_.end()) return;
    const auto now_ns = found->space().sharing()->now_ns();
    held_lock lock(mutex_);
    if (ended_) return;
    std::erase_if(later_, [&](const auto& each) { return each.until_ns <= now_ns; });
    for (const auto& key : keys) {
        if (waiting_.size() + later_.size() >= limits_.keys_max) break;
        waiting_.push_back({static_cast<std::size_t>(found - spaces_.begin()), std::string(key),
                            now_ns + limits_.patience_ns});
    }
    read_on(lock);
}

void key_offers::rights_changed() {
    held_lock lock(mutex_);
    ++changes_;
    std::move(later_.begin(), later_.end(), std::back_inserter(waiting_));
    later_.clear();
    read_on(lock);
}

void key_offers::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    waiting_.clear();
    later_.clear();
}

// It counts as no turn.
void key_offers::run(key_entry* /*key*/, const dunlin_state_type* /*type*/, const error* /*why*/,
                     turns_done& done) {
    done.calls = 0;
    held_lock lock(mutex_);
    --loads_;
    read_on(lock);
}

// One thread at a time. It goes away when it has begun as many reads as may be under way, also if
// some have ended meanwhile: the others go on when they end.
void key_offers::read_on(held_lock& lock) {
    if (std::exchange(reads_on_, true)) return;
    std::size_t begun = 0;
    while (!waiting_.empty() && loads_ < limits_.loads_max &&
           (begun < limits_.loads_max || loads_ == 0)) {
        auto next = std::move(waiting_.front());
        waiting_.pop_front();
        const auto& space = spaces_[next.space];
        const auto changes = changes_;
        lock.unlock();
        const auto is = space.look_at(next.key);
        const bool over = space.space().sharing()->now_ns() >= next.until_ns;
        lock.lock();
        if (is == key_handover::offered::later) {
            if (!over && !ended_)
                (changes == changes_ ? later_ : waiting_).push_back(std::move(next));
        } else if (is == key_handover::offered::read) {
            ++loads_;
            ++begun;
            lock.unlock();
            space.space().operate(next.key, shared_from_this(), false);
            lock.lock();
        }
    }
    reads_on_ = false;
}

}  // namespace dunlin::actors
