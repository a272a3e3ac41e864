// SPDX-License-Identifier: Apache-2.0
//
// Who works with a key now, and who waits for it: a lock for readers and writers that nobody waits
// for on a thread.
//
// Calls get the key in the order in which they came: one that writes alone, those that read beside
// each other. Nobody overtakes, so neither starves the other. Calls of one function that wait
// behind each other are granted the key together, in one go: the activation that gets them runs
// them one after another, and hands the key on once.
//
// Pure; owned by a key, guarded by the lock of its shard.
#pragma once

#include "actors/bundle.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace dunlin::actors {

class key_entry;
class key_task;
class pool;

/// A call, by its place.
struct turn {
    bundle_ptr work;
    std::uint32_t index = 0;
    [[nodiscard]] invocation& call() const noexcept { return (*work)[index]; }
};

/// Calls of one function that hold a key, to be run one after another. Its holder gives the key
/// back (`state_space::finish`).
struct key_grant {
    pool* of = nullptr;        // null: a task has it
    key_entry* key = nullptr;  // null: nothing is granted
    std::vector<turn> turns;
    std::shared_ptr<key_task> task;
    void* object = nullptr;  // the value, if it was there already
    /// Replies of those that only read can leave at once: what they see is stored.
    bool stored = false;
    /// The value was read from the store after these calls had come.
    bool confirmed = false;
    std::shared_ptr<const error> failure;  // not null: there is no value, and this is why
};

class key_turns {
public:
    struct waiter {
        pool* of = nullptr;
        turn call;
        bool writes = true;
        bool alone = false;  // gets a grant of its own, as it may take long
        std::shared_ptr<key_task> task{};
        std::int64_t came_ns = 0;  // by the clock of leases; 0: nobody asks
    };
    static constexpr std::int64_t whenever = std::numeric_limits<std::int64_t>::max();

    /// At most so many get the key in one go, so that one key does not keep an activation.
    static constexpr std::size_t turns_in_one_go_max = 128;

    /// Takes the key, if that is possible at once.
    [[nodiscard]] bool enter(bool writes) noexcept {
        if (!idle() && (writes || alone_ || waiting() != 0)) return false;
        ++holders_;
        alone_ = writes;
        return true;
    }
    /// Those that wait here count there, too, beside those of other keys. Before anybody waits.
    void count_waiting_in(std::size_t& total) noexcept { total_ = &total; }
    void wait(waiter who) {
        waiting_.push_back(std::move(who));
        if (total_ != nullptr) ++*total_;
    }
    /// Takes it as one that reads, past those who wait. @pre nobody holds it alone
    void share() noexcept { ++holders_; }
    /// One that holds it is done.
    void leave() noexcept {
        if (--holders_ == 0) alone_ = false;
    }

    /// Those go before all who wait: they have had their turn, and it did not count.
    void wait_first(std::vector<waiter>&& again) {
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
        if (total_ != nullptr) *total_ += again.size();
        waiting_.insert(waiting_.begin(), std::make_move_iterator(again.begin()),
                        std::make_move_iterator(again.end()));
        again.clear();
    }
    /// Whose turn is next. @pre somebody waits
    [[nodiscard]] const waiter& front() const noexcept { return waiting_[first_]; }
    /// Those who wait and are not kept do not wait any more.
    template <class Keeps>
    [[nodiscard]] std::vector<waiter> take_unless(Keeps&& keeps) {
        std::vector<waiter> taken;
        std::size_t kept = first_;
        for (auto i = first_; i < waiting_.size(); ++i) {
            if (!keeps(waiting_[i])) {
                taken.push_back(std::move(waiting_[i]));
                continue;
            }
            if (kept != i) waiting_[kept] = std::move(waiting_[i]);
            ++kept;
        }
        waiting_.resize(kept);
        if (total_ != nullptr) *total_ -= taken.size();
        return taken;
    }

    /// Whose turn it is now holds the key. @returns false when nobody's is. Only those that have
    /// come by then.
    [[nodiscard]] bool grant(key_grant& next, std::int64_t came_by_ns = whenever) {
        if (waiting() == 0 || waiting_[first_].came_ns > came_by_ns) return false;
        const bool writes = waiting_[first_].writes;
        if (holders_ != 0 && (writes || alone_)) return false;
        next.of = waiting_[first_].of;
        const bool alone = waiting_[first_].alone;
        next.task = std::move(waiting_[first_].task);
        const auto before = waiting();
        do {
            next.turns.push_back(std::move(waiting_[first_++].call));
        } while (!alone && first_ < waiting_.size() && waiting_[first_].of == next.of &&
                 waiting_[first_].writes == writes && waiting_[first_].came_ns <= came_by_ns &&
                 next.turns.size() < turns_in_one_go_max);
        if (total_ != nullptr) *total_ -= before - waiting();
        if (first_ == waiting_.size()) {
            waiting_.clear();
            first_ = 0;
        } else if (first_ >= turns_in_one_go_max && first_ * 2 > waiting_.size()) {
            waiting_.erase(waiting_.begin(),
                           waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
        ++holders_;
        alone_ = writes;
        return true;
    }

    [[nodiscard]] bool idle() const noexcept { return holders_ == 0 && waiting() == 0; }
    [[nodiscard]] bool held() const noexcept { return holders_ != 0; }
    /// Nobody else looks at the value now.
    [[nodiscard]] bool held_by_one() const noexcept { return holders_ == 1; }
    /// By one that may change the value.
    [[nodiscard]] bool held_alone() const noexcept { return alone_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size() - first_; }
    /// Forgets those that nobody waits for any more.
    void drop_stopped() {
        std::size_t kept = first_;
        for (auto i = first_; i < waiting_.size(); ++i) {
            const auto& call = waiting_[i].call;
            if (call.work && call.call().stop.requested()) {
                if (total_ != nullptr) --*total_;
                continue;
            }
            if (kept != i) waiting_[kept] = std::move(waiting_[i]);
            ++kept;
        }
        waiting_.resize(kept);
    }

private:
    std::vector<waiter> waiting_;  // from `first_` on
    std::size_t first_ = 0;
    std::size_t* total_ = nullptr;  // guarded by the same lock
    std::uint32_t holders_ = 0;
    bool alone_ = false;
};

}  // namespace dunlin::actors
