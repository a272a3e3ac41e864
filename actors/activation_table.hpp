// SPDX-License-Identifier: Apache-2.0
//
// The activations of one pool, and how to point at one that may have ended.
//
// An activation can end while the node lives, and what was meant for it arrives later: a timer that
// was about to fire, the answer of an inner call, a stop, the end of an operation by a module. None
// of these holds the activation. They hold its slot, which lives as long as the pool and is used
// again, and a generation. A slot counts its activations and their operations in one sequence, so
// whatever is older than the activation that lives there now is stale and finds nothing; what is
// not is dropped by the call unless it is for one of its open operations.
// A slot is also the answer port of the calls that functions make. Owned by the pool; any thread.
#pragma once

#include "actors/answer_port.hpp"

#include <caf/actor.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace caf {
class actor_system;
}

namespace dunlin::actors {

class activation;
class pool;
struct operation_timer;

class activation_slot final : public answer_port {
public:
    [[nodiscard]] pool& home() const noexcept { return *home_; }
    /// The activation that began with `generation` or counted it since; null when it has ended.
    [[nodiscard]] caf::actor find(std::uint32_t generation) const;

    // answer_port: the answers to calls that a function made.
    void answer_value(answer_address to, output_buffer& payload) override;
    void answer_error(answer_address to, error why) override;

    /// A timer of one of its operations fired.
    void timer_fired(const operation_timer& timer);

    /// Since when the activation runs, or keeps, what it has; 0: it has nothing.
    void set_busy_since(std::int64_t since_ns) noexcept {
        busy_since_ns_.store(since_ns, std::memory_order_relaxed);
    }

private:
    friend class activation_table;

    /// Slots are many and stay, so they share locks, each of which is held for some instructions.
    [[nodiscard]] std::mutex& lock() const noexcept;

    pool* home_ = nullptr;  // set by its table
    std::atomic<std::int64_t> busy_since_ns_{0};
    caf::actor held_;           // null: free
    std::uint32_t oldest_ = 0;  // the generation that `held_` began with, or the next one will
};

class activation_table {
public:
    activation_table(caf::actor_system& system, pool& home) noexcept
        : system_(system),
          home_(home) {}
    activation_table(const activation_table&) = delete;
    activation_table& operator=(const activation_table&) = delete;

    [[nodiscard]] activation& spawn();
    /// Ends an activation that has nothing to run, for good: its slot is free, and its memory is
    /// given back when those that have found it already let go of it.
    void retire(activation& idle);
    /// Ends all of them after what they have been given. They are found until the table is gone.
    void end_all();

    /// For how long each of those that are busy has been.
    [[nodiscard]] std::vector<std::int64_t> busy_for_ns(std::int64_t now_ns) const;

private:
    // Few for a function that is called now and then. Many together, apart from what comes and
    // goes, so that a page of memory is not kept for the sake of one slot.
    static constexpr std::size_t chunk_slots_min = 8;
    static constexpr std::size_t chunk_slots_max = 2048;
    struct chunk {
        std::unique_ptr<activation_slot[]> slots;
        std::size_t count = 0;
    };

    void grow();

    caf::actor_system& system_;
    pool& home_;
    mutable std::mutex mutex_;
    std::vector<chunk> chunks_;  // slots stay where they are
    std::vector<activation_slot*> free_;
};

}  // namespace dunlin::actors
