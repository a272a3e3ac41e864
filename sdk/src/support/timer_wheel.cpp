// SPDX-License-Identifier: Apache-2.0
#include "support/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace dunlin::support {

timer_wheel::timer_wheel(time_point now) noexcept : elapsed_(tick_before(now)) {}

void timer_wheel::insert(timer_node& node, time_point deadline) noexcept {
    node.deadline = deadline;
    place(node);
}

// A node's level is where its tick first differs from the present one, seen from the top; so
// within a level every occupied slot lies ahead of the present slot, and the lowest occupied
// level always holds what comes first.
void timer_wheel::place(timer_node& node) noexcept {
    std::int64_t at = tick_after(node.deadline);
    if (at <= elapsed_) return push_back(due_, node);
    at = std::min(at, elapsed_ + ticks_max);
    const auto differs = static_cast<std::uint64_t>(at ^ elapsed_);
    const unsigned level =
        std::min((static_cast<unsigned>(std::bit_width(differs)) - 1) / slot_bits, levels - 1);
    const auto slot = static_cast<unsigned>(at >> (slot_bits * level)) % slots;
    push_back(rings_[level][slot], node);
    occupied_[level] |= std::uint64_t{1} << slot;
}

void timer_wheel::move_all(link_head& from, link_head& to) noexcept {
    if (!holds(from)) return;
    from.next->prev = to.prev;
    to.prev->next = from.next;
    from.prev->next = &to;
    to.prev = from.prev;
    from.prev = from.next = &from;
}

// Removing a node does not tell its slot; bits of slots that became empty are cleared here.
timer_wheel::position timer_wheel::first_occupied() noexcept {
    for (unsigned level = 0; level < levels; ++level) {
        const unsigned shift = slot_bits * level;
        const auto here = static_cast<unsigned>(elapsed_ >> shift) % slots;
        while (occupied_[level] != 0) {
            const auto ahead = static_cast<unsigned>(
                std::countr_zero(std::rotr(occupied_[level], static_cast<int>(here))));
            const unsigned slot = (here + ahead) % slots;
            if (holds(rings_[level][slot])) {
                return {level, slot, ((elapsed_ >> shift) + ahead) << shift};
            }
            occupied_[level] &= ~(std::uint64_t{1} << slot);
        }
    }
    return {};
}

timer_wheel::time_point timer_wheel::next_deadline() noexcept {
    if (holds(due_)) return time_point(std::chrono::nanoseconds(elapsed_ << 20));
    const position first = first_occupied();
    if (first.level == levels) return time_point::max();
    return time_point(std::chrono::nanoseconds(first.tick << 20));
}

void timer_wheel::collect(std::int64_t now, link_head& ready) noexcept {
    move_all(due_, ready);
    while (now > elapsed_) {
        const position first = first_occupied();
        if (first.level == levels || first.tick > now) break;
        elapsed_ = first.tick;
        link_head ring;
        move_all(rings_[first.level][first.slot], ring);
        occupied_[first.level] &= ~(std::uint64_t{1} << first.slot);
        if (first.level == 0) {
            move_all(ring, ready);
            continue;
        }
        while (holds(ring)) {
            timer_node& node = *ring.next;
            unlink(node);
            place(node);
        }
        move_all(due_, ready);
    }
    elapsed_ = std::max(elapsed_, now);
}

}  // namespace dunlin::support
