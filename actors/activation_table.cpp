// SPDX-License-Identifier: Apache-2.0
#include "actors/activation_table.hpp"

#include "actors/activation.hpp"
#include "actors/environment.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace dunlin::actors {

std::mutex& activation_slot::lock() const noexcept {
    // Of all pools together. Nobody takes a second one while he holds one.
    struct alignas(64) padded {
        std::mutex one;
    };
    static std::array<padded, 64> all;
    return all[(reinterpret_cast<std::uintptr_t>(this) / sizeof(activation_slot)) % all.size()].one;
}

// By difference, since the sequence wraps around: what is 2^31 operations old may be found again,
// and then is not one of the open operations.
caf::actor activation_slot::find(std::uint32_t generation) const {
    const std::lock_guard held(lock());
    return static_cast<std::int32_t>(generation - oldest_) < 0 ? caf::actor{} : held_;
}

// Each of these gives its message away outside of the slot's lock: that may make a thread run.

void activation_slot::answer_value(answer_address to, output_buffer& payload) {
    if (const auto found = find(to.generation)) activation::of(found).end_operation(to, payload);
}

void activation_slot::answer_error(answer_address to, error why) {
    if (const auto found = find(to.generation))
        activation::of(found).end_operation(to, std::move(why));
}

void activation_slot::timer_fired(const operation_timer& timer) {
    if (const auto found = find(timer.operation.generation))
        activation::of(found).timer_fired(timer);
}

activation& activation_table::spawn() {
    activation_slot* slot = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) grow();
        slot = free_.back();
        free_.pop_back();
    }
    // Nobody else has this slot now, but a stale address may be looked up in it.
    auto spawned = system_.spawn<activation, caf::lazy_init>(std::ref(*slot), slot->oldest_);
    auto& made = activation::of(spawned);
    const std::lock_guard lock(slot->lock());
    slot->held_ = std::move(spawned);
    return made;
}

void activation_table::grow() {
    const auto count =
        chunks_.empty() ? chunk_slots_min : std::min(2 * chunks_.back().count, chunk_slots_max);
    auto& made = chunks_.emplace_back(chunk{std::make_unique<activation_slot[]>(count), count});
    for (std::size_t i = count; i-- > 0;) {
        made.slots[i].home_ = &home_;
        free_.push_back(&made.slots[i]);
    }
}

void activation_table::retire(activation& idle) {
    auto& slot = idle.slot();
    caf::actor ending;
    {
        const std::lock_guard lock(slot.lock());
        ending = std::exchange(slot.held_, {});
        slot.oldest_ = idle.newest_generation() + 1;
    }
    // A message to one that ends is dropped with its mailbox, as one that finds nothing is.
    idle.end();
    const std::lock_guard lock(mutex_);
    free_.push_back(&slot);
}

void activation_table::end_all() {
    const std::lock_guard lock(mutex_);
    for (const auto& each : chunks_)
        for (std::size_t i = 0; i < each.count; ++i) {
            const auto& slot = each.slots[i];
            caf::actor ending;
            {
                const std::lock_guard held(slot.lock());
                ending = slot.held_;
            }
            if (ending) activation::of(ending).end();
        }
}

std::vector<std::int64_t> activation_table::busy_for_ns(std::int64_t now_ns) const {
    std::vector<std::int64_t> found;
    const std::lock_guard lock(mutex_);
    for (const auto& each : chunks_)
        for (std::size_t i = 0; i < each.count; ++i)
            if (const auto since_ns = each.slots[i].busy_since_ns_.load(std::memory_order_relaxed);
                since_ns != 0)
                found.push_back(std::max<std::int64_t>(now_ns - since_ns, 0));
    return found;
}

}  // namespace dunlin::actors
