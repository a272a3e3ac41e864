// SPDX-License-Identifier: Apache-2.0
#include "actors/activation_table.hpp"

#include "actors/activation.hpp"
#include "actors/environment.hpp"
#include "actors/memory_meter.hpp"
#include "actors/pool.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <utility>

namespace dunlin::actors {

namespace {

// By difference, since the sequence wraps around: what is 2^31 operations old may be found again,
// and then is not one of the open operations.
bool is_before(std::uint32_t left, std::uint32_t right) noexcept {
    return static_cast<std::int32_t>(left - right) < 0;
}

}  // namespace

caf::actor activation_table::find(std::uint32_t number, std::uint32_t generation) const {
    const std::lock_guard lock(mutex_);
    if (chunk_of(number) >= chunks_.size()) return {};
    const auto& in = chunks_[chunk_of(number)];
    if (in.slots == nullptr) return {};
    const auto& found = in.slots[number & (chunk_slots_max - 1)];
    return is_before(generation, found.generation) ? caf::actor{} : found.held;
}

// Each of these gives its message away without the lock: that may make a thread run.

void activation_table::answer_value(answer_address to, output_buffer& payload) {
    if (const auto found = find(to.slot, to.generation))
        activation::of(found).end_operation(to, payload);
}

void activation_table::answer_error(answer_address to, error why) {
    if (const auto found = find(to.slot, to.generation))
        activation::of(found).end_operation(to, std::move(why));
}

void activation_table::timer_fired(const operation_timer& timer) {
    if (const auto found = find(timer.operation.slot, timer.operation.generation))
        activation::of(found).timer_fired(timer);
}

activation& activation_table::spawn() {
    std::uint32_t number = 0;
    std::uint32_t generation = 0;
    std::atomic<std::int64_t>* busy_since_ns = nullptr;
    {
        const std::lock_guard lock(mutex_);
        number = take_slot();
        generation = next_generation_;
        busy_since_ns = &at(number).busy_since_ns;
    }
    // Nobody else has this slot now, but a stale address may be looked up in it.
    auto spawned = system_.spawn<activation, caf::lazy_init>(
        activation_place{*this, number, generation, *busy_since_ns});
    auto& made = activation::of(spawned);
    if (auto* meter = home_.env().memory; meter != nullptr) meter->add(activation_bytes);
    const std::lock_guard lock(mutex_);
    auto& kept = at(number);
    kept.generation = generation;
    kept.held = std::move(spawned);
    return made;
}

void activation_table::retire(activation& idle) {
    caf::actor ending;
    {
        const std::lock_guard lock(mutex_);
        ending = std::exchange(at(idle.slot()).held, {});
        const auto next = idle.newest_generation() + 1;
        if (is_before(next_generation_, next)) next_generation_ = next;
        free_slot(idle.slot());
    }
    // A message to one that ends is dropped with its mailbox, as one that finds nothing is.
    idle.end();
    if (auto* meter = home_.env().memory; meter != nullptr) meter->give_back(activation_bytes);
}

// The first free slot, in a chunk that is made if it is not there: activations stay together, so
// that the last chunks empty when they become fewer.
std::uint32_t activation_table::take_slot() {
    for (;; ++first_room_) {
        if (first_room_ == chunks_.size()) chunks_.emplace_back();
        auto& in = chunks_[first_room_];
        if (in.slots == nullptr) make(first_room_);
        if (in.first_free == none) continue;
        const auto taken = in.first_free;
        in.first_free = in.slots[taken].next_free;
        if (in.used++ == 0 && spare_ == first_room_) spare_ = none;
        return (first_room_ << chunk_bits) + taken;
    }
}

void activation_table::make(std::uint32_t which) {
    auto& in = chunks_[which];
    const auto doublings = std::min<std::uint32_t>(which, chunk_bits);
    in.count = std::min(chunk_slots_min << doublings, chunk_slots_max);
    in.slots = std::make_unique<slot[]>(in.count);
    for (std::uint32_t i = in.count; i-- > 0;)
        in.slots[i].next_free = std::exchange(in.first_free, i);
}

// One chunk without activations is kept, since the next call may need it: otherwise one that comes
// and goes would make a chunk and give it back each time. Of two the one that is filled first.
void activation_table::free_slot(std::uint32_t number) noexcept {
    const auto which = chunk_of(number);
    auto& in = chunks_[which];
    const auto freed = number & (chunk_slots_max - 1);
    in.slots[freed].next_free = std::exchange(in.first_free, freed);
    first_room_ = std::min(first_room_, which);
    if (--in.used != 0) return;
    if (const auto other = std::exchange(spare_, std::min(spare_, which)); other != none)
        chunks_[std::max(other, which)] = {};
}

void activation_table::end_all() {
    std::vector<caf::actor> ending;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& each : chunks_)
            for (std::uint32_t i = 0; each.slots && i < each.count; ++i)
                if (each.slots[i].held) ending.push_back(each.slots[i].held);
    }
    for (const auto& each : ending) activation::of(each).end();
}

std::vector<std::int64_t> activation_table::busy_for_ns(std::int64_t now_ns) const {
    std::vector<std::int64_t> found;
    const std::lock_guard lock(mutex_);
    for (const auto& each : chunks_)
        for (std::uint32_t i = 0; each.slots && i < each.count; ++i)
            if (const auto since_ns = each.slots[i].busy_since_ns.load(std::memory_order_relaxed);
                since_ns != 0)
                found.push_back(std::max<std::int64_t>(now_ns - since_ns, 0));
    return found;
}

std::size_t activation_table::slots_made() const {
    const std::lock_guard lock(mutex_);
    std::size_t made = 0;
    for (const auto& each : chunks_)
        if (each.slots) made += each.count;
    return made;
}

}  // namespace dunlin::actors
