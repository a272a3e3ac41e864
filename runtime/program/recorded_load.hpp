// SPDX-License-Identifier: Apache-2.0
//
// What the nodes of a cluster have recorded of their load, added up to a trace.
//
// Each node numbers its periods from when it was asked; who adds them says which period of the
// whole that was, so that clocks need not agree. Calls count where they came to a pool: once, even
// if they came to the cluster through another node. Pure; one owner.
#pragma once

#include "runtime/rehearsal/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace dunlin::program {

class recorded_load {
public:
    /// Calls of a function in periods of the whole, from `first` on.
    void add_calls(const std::string& function, std::size_t first,
                   std::span<const std::uint32_t> counts);
    /// Of calls that have run on one node, while it recorded, how many and for how long together.
    void add_service(const std::string& function, std::uint64_t ended, double busy_ns);
    /// Some node serves it.
    void know(const std::string& function) { static_cast<void>(functions_[function]); }

    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
    [[nodiscard]] std::vector<std::string> functions() const;

    /// Of the first `periods`: functions that were called there, by name. A function's service time
    /// is the mean of what has run; of one whose calls all still run, what they have taken so far.
    [[nodiscard]] runtime::rehearsal::trace made(const std::string& name, std::size_t periods,
                                                 std::int64_t period_ns) const;

private:
    struct sum {
        std::vector<std::uint64_t> counts;
        std::uint64_t ended = 0;
        double busy_ns = 0;
    };
    std::map<std::string, sum> functions_;
    std::uint64_t calls_ = 0;
};

}  // namespace dunlin::program
