// SPDX-License-Identifier: Apache-2.0
//
// The activations of one pool, and how to point at one that may have ended.
//
// An activation can end while the node lives, and what was meant for it arrives later: a timer that
// was about to fire, the answer of an inner call, a stop, the end of an operation by a module. None
// of these holds the activation, nor any memory that is there for it alone. They hold the table,
// which lives as long as the pool, the number of a slot, and a generation. All activations of a
// table and their operations are counted in one sequence, in which each activation begins after
// all that has ended, so whatever is older than the activation that has the slot now is stale and
// finds nothing; what is not is dropped by the call unless it is for one of its open operations.
// Slots are made in chunks, and a chunk without activations is given back: the sequence goes on in
// those that are made later, so what still points into the old chunk finds nothing there either.
// The table is also the answer port of the calls that functions make. Owned by the pool; any
// thread.
#pragma once

#include "actors/answer_port.hpp"

#include <caf/actor.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

namespace caf {
class actor_system;
}

namespace dunlin::actors {

class activation;
class activation_table;
class pool;
struct operation_timer;

/// Where an activation is kept.
struct activation_place {
    activation_table& table;
    std::uint32_t slot;
    /// The first that is not stale.
    std::uint32_t generation;
    /// Since when it runs, or keeps, what it has; 0: it has nothing. For the activation, until it
    /// is retired.
    std::atomic<std::int64_t>& busy_since_ns;
};

class activation_table final : public answer_port {
public:
    activation_table(caf::actor_system& system, pool& home) noexcept
        : system_(system),
          home_(home) {}
    ~activation_table() override = default;
    activation_table(const activation_table&) = delete;
    activation_table& operator=(const activation_table&) = delete;

    [[nodiscard]] pool& home() const noexcept { return home_; }
    [[nodiscard]] activation& spawn();
    /// Ends an activation that has nothing to run, for good: its slot is free, and its memory is
    /// given back when those that have found it already let go of it.
    void retire(activation& idle);
    /// Ends all of them after what they have been given. They are found until the table is gone.
    void end_all();

    /// The activation that began with `generation` or counted it since; null when it has ended.
    [[nodiscard]] caf::actor find(std::uint32_t number, std::uint32_t generation) const;

    // answer_port: the answers to calls that a function made.
    void answer_value(answer_address to, output_buffer& payload) override;
    void answer_error(answer_address to, error why) override;
    /// A timer of an operation fired.
    void timer_fired(const operation_timer& timer);

    /// For how long each of those that are busy has been.
    [[nodiscard]] std::vector<std::int64_t> busy_for_ns(std::int64_t now_ns) const;
    /// Slots that there is memory for.
    [[nodiscard]] std::size_t slots_made() const;

private:
    static constexpr auto none = std::numeric_limits<std::uint32_t>::max();
    // Few for a function that is called now and then, then twice as many each time. Together, apart
    // from what comes and goes, so that a page of memory is not kept for the sake of one slot.
    static constexpr std::uint32_t chunk_slots_min = 2;
    static constexpr unsigned chunk_bits = 11;
    static constexpr std::uint32_t chunk_slots_max = 1U << chunk_bits;

    struct slot {
        std::atomic<std::int64_t> busy_since_ns{0};
        caf::actor held;               // null: free
        std::uint32_t generation = 0;  // that `held` began with
        std::uint32_t next_free = none;
    };
    struct chunk {
        std::unique_ptr<slot[]> slots;  // null: given back
        std::uint32_t count = 0;
        std::uint32_t used = 0;
        std::uint32_t first_free = none;
    };

    [[nodiscard]] static constexpr std::uint32_t chunk_of(std::uint32_t number) noexcept {
        return number >> chunk_bits;
    }
    [[nodiscard]] slot& at(std::uint32_t number) noexcept {
        return chunks_[chunk_of(number)].slots[number & (chunk_slots_max - 1)];
    }
    [[nodiscard]] std::uint32_t take_slot();
    void free_slot(std::uint32_t number) noexcept;
    void make(std::uint32_t which);

    caf::actor_system& system_;
    pool& home_;
    mutable std::mutex mutex_;
    std::vector<chunk> chunks_;
    std::uint32_t first_room_ = 0;       // no chunk before it has a free slot
    std::uint32_t spare_ = none;         // the one chunk that may have no activation
    std::uint32_t next_generation_ = 0;  // of the next activation
};

}  // namespace dunlin::actors
