// SPDX-License-Identifier: Apache-2.0
//
// Keyed calls while everything happens to the store and to the nodes in front of it, made from one
// number.
//
// Callers append to lists and look at them, under a few keys or many, with deadlines. Some calls
// are of an idempotent function, and are sent again when they fail or their caller loses patience,
// to whichever node owns the key then: each is applied once all the same. Half of the lives have
// one node, which is killed and started again, and looks are part of them. The others have two or
// three nodes on one store, and a key's owner changes while calls for it are still on their way to
// the one before; these have no looks but at the end, since nothing here tells an owner that it is
// none any more. In both the store fails, loses answers, is slow, and in the second kind takes
// writes that were given up. At the end faults stop, a new node looks at every key, and the history
// of each has to be linearizable. Pure: the same seed gives the same outcome.
#pragma once

#include "tests/sim/virtual_store.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::sim {

/// Protections that a test takes away, to see that the checks can fail.
struct state_mutations {
    store_lies store{};
    bool replies_early = false;  // before the store has what they depend on
    bool names_lost = false;     // calls that are sent again are taken for new ones
    [[nodiscard]] bool any() const noexcept {
        return store.writes_lost || store.versions_ignored || replies_early || names_lost;
    }
};

struct state_outcome {
    std::vector<std::string> problems;  // empty: all is well
    std::string story;                  // what happened, a line each
    bool shared = false;                // several nodes, one store
    std::uint64_t calls = 0;
    std::uint64_t answered = 0;
    std::uint64_t unknown = 0;
    std::uint64_t not_run = 0;
    std::uint64_t again = 0;  // calls that were sent again, each time
    std::uint64_t deaths = 0;
    std::uint64_t moves = 0;  // of a key to another owner
    std::uint64_t store_failures = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t evicted = 0;
    std::uint64_t keys = 0;
    std::uint64_t steps = 0;  // events
};

[[nodiscard]] state_outcome run_state_life(std::uint64_t seed, const state_mutations& without = {});

}  // namespace dunlin::sim
