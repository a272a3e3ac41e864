// SPDX-License-Identifier: Apache-2.0
//
// What waits for a function's activations when none is idle: bounded, and shared fairly.
//
// A flow_scheduler says whose turn it is; of one caller's items the oldest goes first. When the
// queue is full, an item of a caller that has little there takes the place of the newest items of
// the one that has most (push-out, as in FQ-CoDel, RFC 8290): a single caller may use all of it,
// and keeps nobody else out. An item that cannot end in time any more is not run. Items that leave
// without having run are handed back, because their calls have to be answered.
//
// Guarantees: `invocations_max` is never exceeded; every item that came in goes out once, by `pop`,
// by a visitor or with the queue. Constant time, amortised: a look, a push and a pop take 75 ns
// together, and 160 with thousands of callers. Visitors get what is out already, and may not call
// back. Memory: some 50 bytes for each item and 80 for each caller, in blocks; 4 KB when it is
// empty after a while of little use, 40 bytes after `trim` or after a long queue.
// Pure: no clock, thread or lock. Owned by a pool, under its lock; calls that find an activation
// idle do not come here.
#pragma once

#include "actors/flow_scheduler.hpp"
#include "support/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace dunlin::actors {

/// Invocations of one caller that wait together.
/// @tparam Work their owner, as a `bundle_ptr`: moved and made by default without throwing.
template <class Work>
struct waiting_work {
    Work work;
    std::uint32_t count = 0;       // invocations, at least 1
    std::int64_t deadline_ns = 0;  // the latest of them: after it, none is of use
    std::int64_t arrived_ns = 0;
};

/// What one more call of somebody would find here.
struct queue_prospect {
    std::uint64_t ahead = 0;  // invocations that run before it
    bool stands = false;      // what is before it has not been short for a while
};

/// A look at the front of the queue.
template <class Work>
struct popped {
    std::optional<waiting_work<Work>> next;  // to be run now
    bool again = false;  // there is more, behind the `drops_max` that were dropped: call again
};

template <class Work>
class call_queue {
public:
    using item = waiting_work<Work>;
    /// Items that one `pop` drops at most, so that a lock is not held for long.
    static constexpr std::uint32_t drops_max = 64;

    /// @param invocations_max at most `flow_scheduler::count_max`.
    /// @param seed see flow_scheduler.
    call_queue(std::size_t invocations_max, std::uint64_t seed, standing_rule rule = {}) noexcept
        : max_(invocations_max < flow_scheduler::count_max
                   ? static_cast<std::uint32_t>(invocations_max)
                   : flow_scheduler::count_max),
          seed_(seed),
          rule_(rule) {}

    /// Waits below it are welcome, from now on.
    void set_target(std::int64_t target_ns) noexcept { rule_.target_ns = target_ns; }

    /// Takes the item, and if need be makes room: `pushed_out(item&&)` gets what has to go.
    /// @returns false, and leaves the item as it is, when there is no room for all of it.
    template <class PushedOut>
    [[nodiscard]] bool push(const call_share& from, item&& added, PushedOut&& pushed_out) {
        return push(from, added, pushed_out);
    }
    template <class PushedOut>
    [[nodiscard]] bool push(const call_share& from, item& added, PushedOut&& pushed_out) {
        if (added.count == 0 || added.count > max_) return false;
        if (content_ == nullptr) content_ = std::make_unique<content>(seed_);
        auto& flows = content_->flows;
        const auto place = content_->items.take();
        auto to = support::no_place;
        try {
            to = flows.open(from);
        } catch (...) {
            content_->items.give_back(place);
            throw;
        }
        if (!make_room(to, added.count, pushed_out)) {
            content_->items.give_back(place);
            flows.close_unused(to);
            return false;
        }
        auto& flow = flows.at(to);
        content_->items[place] = {std::move(added), flow.last, support::no_place};
        (flow.last == support::no_place ? flow.first : content_->items[flow.last].after) = place;
        flow.last = place;
        flows.add(to, content_->items[place].what.count);
        return true;
    }

    /// The next item to be run. `late(item&&)` gets those before it that would not end by their
    /// deadline if they took `least_ns`.
    template <class Late>
    [[nodiscard]] popped<Work> pop(std::int64_t now_ns, std::int64_t least_ns, Late&& late) {
        popped<Work> result;
        for (std::uint32_t dropped = 0; !empty(); ++dropped) {
            if (dropped == drops_max) {
                result.again = true;
                break;
            }
            const auto from = content_->flows.next();
            auto first = take_first(from);
            const auto waited_ns = now_ns - first.arrived_ns;
            content_->flows.at(from).delay.left(now_ns, waited_ns, rule_);
            content_->delay.left(now_ns, waited_ns, rule_);
            if (first.deadline_ns - least_ns < now_ns) {
                content_->flows.remove(from, first.count);
                late(std::move(first));
                continue;
            }
            content_->flows.run(from, first.count);
            result.next = std::move(first);
            break;
        }
        if (content_ != nullptr && empty()) {
            content_->delay.emptied();
            if (content_->large()) trim();
        }
        return result;
    }

    [[nodiscard]] queue_prospect look(const call_share& from) const noexcept {
        if (empty()) return {};
        const auto place = content_->flows.find(from);
        const bool own = place != support::no_place && content_->flows.at(place).delay.stands();
        return {content_->flows.ahead(from), own || content_->delay.stands()};
    }

    /// Hands all items out, in no order, and is empty.
    template <class Visit>
    void clear(Visit&& visit) {
        for (const auto of : {call_priority::high, call_priority::normal, call_priority::low}) {
            while (content_ != nullptr && content_->flows.waiting(of) != 0)
                drop_newest(content_->flows.longest(of), visit);
        }
        trim();
    }

    /// Gives its memory back if it is empty.
    void trim() noexcept {
        if (empty()) content_.reset();
    }

    [[nodiscard]] bool empty() const noexcept { return waiting() == 0; }
    /// Invocations.
    [[nodiscard]] std::size_t waiting() const noexcept {
        return content_ == nullptr ? 0 : content_->flows.waiting();
    }
    [[nodiscard]] std::size_t invocations_max() const noexcept { return max_; }
    /// Callers that it remembers.
    [[nodiscard]] std::size_t flows() const noexcept {
        return content_ == nullptr ? 0 : content_->flows.flows();
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return sizeof(*this) + (content_ == nullptr ? 0 : content_->bytes());
    }

private:
    struct place_of_item {
        item what;
        std::uint32_t before = support::no_place;  // of the same flow
        std::uint32_t after = support::no_place;
    };
    struct content {
        explicit content(std::uint64_t seed) : flows(seed) {}
        [[nodiscard]] bool large() const noexcept {
            return items.capacity() > 4 * items.block_places;
        }
        [[nodiscard]] std::size_t bytes() const noexcept {
            return sizeof(*this) - sizeof(flows) + flows.bytes() + items.bytes();
        }
        flow_scheduler flows;
        support::slab<place_of_item> items;
        // Of all together: it stands when many callers have one item each, and not when one has
        // many and others pass it by.
        standing_queue delay;
    };

    // The flow keeps its length until the scheduler is told why it left.
    item take_first(std::uint32_t from) noexcept {
        auto& flow = content_->flows.at(from);
        const auto place = flow.first;
        auto& first = content_->items[place];
        flow.first = first.after;
        (flow.first == support::no_place ? flow.last : content_->items[flow.first].before) =
            support::no_place;
        auto what = std::move(first.what);
        content_->items.give_back(place);
        return what;
    }

    template <class Visit>
    void drop_newest(std::uint32_t from, Visit& visit) {
        auto& flow = content_->flows.at(from);
        const auto place = flow.last;
        auto& newest = content_->items[place];
        flow.last = newest.before;
        (flow.last == support::no_place ? flow.first : content_->items[flow.last].after) =
            support::no_place;
        auto what = std::move(newest.what);
        content_->items.give_back(place);
        content_->flows.remove(from, what.count);
        visit(std::move(what));
    }

    template <class PushedOut>
    bool make_room(std::uint32_t to, std::uint32_t count, PushedOut& pushed_out) {
        auto& flows = content_->flows;
        const auto wanted = std::uint64_t{flows.waiting()} + count;
        if (wanted <= max_) return true;
        const auto need = wanted - max_;
        const auto own = flows.at(to).priority;
        // What every priority may have, whichever priority wants room.
        const auto kept = std::size_t{max_} / priority_share;
        // Lower ones make room for higher ones, and those for lower ones that have next to nothing.
        for (auto of : {call_priority::low, call_priority::normal, call_priority::high}) {
            const bool lower = of > own;
            const bool poor = of < own && flows.waiting(own) + count <= kept;
            if (!(lower || poor) || flows.waiting(of) < need + kept) continue;
            while (flows.waiting() + count > max_) drop_newest(flows.longest(of), pushed_out);
            return true;
        }
        return push_out_longest(to, count, need, pushed_out);
    }

    // Only of a flow that has, by its weight, not less than the newcomer afterwards: two flows of
    // the same length leave each other alone.
    template <class PushedOut>
    bool push_out_longest(std::uint32_t to, std::uint32_t count, std::uint64_t need,
                          PushedOut& pushed_out) {
        auto& flows = content_->flows;
        const auto victim = flows.longest(flows.at(to).priority);
        if (victim == support::no_place || victim == to) return false;
        const auto& longest = flows.at(victim);
        const auto& shorter = flows.at(to);
        if (longest.length <= need) return false;
        const auto after = std::uint64_t{longest.length - need} * shorter.weight;
        if (after < (std::uint64_t{shorter.length} + count) * longest.weight) return false;
        while (flows.waiting() + count > max_) drop_newest(victim, pushed_out);
        return true;
    }

    static constexpr std::size_t priority_share = 16;

    std::uint32_t max_;
    std::uint64_t seed_;
    standing_rule rule_;
    std::unique_ptr<content> content_;
};

}  // namespace dunlin::actors
