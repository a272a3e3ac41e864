// SPDX-License-Identifier: Apache-2.0
//
// What the load program can be told. Plain values, read once from the command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::chaos {

struct load_options {
    std::vector<std::string> nodes;
    /// Calls go to these nodes alone, which know where they run best.
    bool no_learn = false;
    std::string key_file;
    std::string node_key_file;
    std::string function = "chaos/nap_idempotent";
    std::uint64_t service_us = 0;
    /// The service time is drawn for each call, with `service_us` as its mean.
    bool exponential = false;
    /// Calls per second, as a Poisson process; 0: a closed loop of `window` calls.
    double rate = 0;
    std::size_t window = 16;
    double seconds = 0;           // 0: until a signal
    std::uint64_t calls_max = 0;  // 0: as many as come
    std::uint64_t timeout_ms = 5000;
    std::uint64_t connect_timeout_ms = 5000;
    std::uint64_t first_id = 1;
    std::uint64_t seed = 1;
    /// A line for each call; empty: none.
    std::string calls_file;
};

/// @returns an exit code when the program is to end at once, having printed why; otherwise -1.
int read_options(int count, char** words, load_options& into);

}  // namespace dunlin::chaos
