// SPDX-License-Identifier: Apache-2.0
//
// Deadlines of very many calls, nearly all of which end before their deadline.
//
// Adding and removing cost a few instructions and allocate nothing: the links are part of the
// object that waits. Nothing fires before its deadline, and nothing later than one tick after it
// once `advance` is called then. Four levels of 64 slots, a tick of about a millisecond: far
// deadlines lie in coarse slots and move to finer ones as they come near (Varghese and Lauck,
// "Hashed and hierarchical timing wheels", 1987, scheme 7).
//
// There is no clock inside: the owner of the wheel says what time it is, which makes it as good for
// virtual time. One owner, one thread; nodes must be removed, or have fired, before they die.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace dunlin::support {

/// The part of a waiting object that the wheel works with. Inherit from it or make it a member.
struct timer_node {
    using time_point = std::chrono::steady_clock::time_point;

    timer_node* prev = nullptr;
    timer_node* next = nullptr;
    /// As given to `insert`.
    time_point deadline{};

    timer_node() = default;
    timer_node(const timer_node&) = delete;
    timer_node& operator=(const timer_node&) = delete;

    /// In a wheel and not fired yet.
    [[nodiscard]] bool armed() const noexcept { return next != nullptr; }
};

class timer_wheel {
public:
    using time_point = timer_node::time_point;

    /// How late a node may fire: 2^20 ns.
    static constexpr std::chrono::nanoseconds tick{std::int64_t{1} << 20};

    explicit timer_wheel(time_point now) noexcept;
    timer_wheel(const timer_wheel&) = delete;
    timer_wheel& operator=(const timer_wheel&) = delete;

    /// `node` is not armed. A deadline that has passed fires at the next `advance`.
    void insert(timer_node& node, time_point deadline) noexcept;

    /// Does nothing to a node that is not armed.
    static void remove(timer_node& node) noexcept {
        if (!node.armed()) return;
        unlink(node);
    }

    /// Calls `fire(timer_node&)` for each node whose deadline is not after `now`. The node is no
    /// longer armed then, so `fire` may insert it again, insert and remove others, and destroy
    /// it; it must not throw, nor call `advance`. What `fire` inserts is due at the next call.
    template <class Fire>
    void advance(time_point now, Fire&& fire) {
        if (tick_before(now) <= elapsed_ && !holds(due_)) return;
        link_head ready;
        collect(tick_before(now), ready);
        while (ready.next != &ready) {
            timer_node& node = *ready.next;
            unlink(node);
            fire(node);
        }
    }

    /// Nothing fires before this time: a poll may sleep until then, and should then call
    /// `advance`. May be earlier than the first deadline; `time_point::max()` when all is empty.
    [[nodiscard]] time_point next_deadline() noexcept;

private:
    static constexpr unsigned slot_bits = 6;
    static constexpr unsigned slots = 1u << slot_bits;
    static constexpr unsigned levels = 4;
    // The coarsest level is used as a ring, so one of its slots has to stay free.
    static constexpr std::int64_t ticks_max =
        (std::int64_t{1} << (slot_bits * levels)) - (std::int64_t{1} << (slot_bits * (levels - 1)));

    // A ring's fixed point; an empty ring points at itself.
    struct link_head : timer_node {
        link_head() noexcept { prev = next = this; }
    };
    struct position {
        unsigned level = levels;
        unsigned slot = 0;
        std::int64_t tick = 0;
    };

    static std::int64_t tick_before(time_point at) noexcept {
        return at.time_since_epoch().count() >> 20;
    }
    static std::int64_t tick_after(time_point at) noexcept {
        const std::int64_t count = at.time_since_epoch().count();
        return (count >> 20) + ((count & ((std::int64_t{1} << 20) - 1)) != 0 ? 1 : 0);
    }
    static bool holds(const link_head& ring) noexcept { return ring.next != &ring; }
    static void push_back(link_head& ring, timer_node& node) noexcept {
        node.next = &ring;
        node.prev = ring.prev;
        ring.prev->next = &node;
        ring.prev = &node;
    }
    static void unlink(timer_node& node) noexcept {
        node.prev->next = node.next;
        node.next->prev = node.prev;
        node.prev = node.next = nullptr;
    }
    static void move_all(link_head& from, link_head& to) noexcept;

    void place(timer_node& node) noexcept;
    position first_occupied() noexcept;
    void collect(std::int64_t now, link_head& ready) noexcept;

    std::int64_t elapsed_;                          // the tick up to which everything has fired
    link_head due_;                                 // inserted when already late
    std::array<std::uint64_t, levels> occupied_{};  // a set bit may be stale, a clear one is true
    std::array<std::array<link_head, slots>, levels> rings_;
};

}  // namespace dunlin::support
