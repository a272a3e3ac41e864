// SPDX-License-Identifier: Apache-2.0
//
// What the program `chaos_keyed` can be told. Plain values, read once from the command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::chaos {

/// What is done with the keys.
enum class keyed_work : std::uint8_t {
    mix,   // counters and lists are written and read, until a signal
    fill,  // each counter is incremented once
    look,  // each key is read until there is an answer
    put,   // values of all sizes, until a signal
};

struct keyed_options {
    std::vector<std::string> nodes;
    keyed_work work = keyed_work::mix;
    std::string key_prefix;
    std::size_t keys = 16;  // of them half are counters, half lists; all counters with `fill`
    bool counters_only = false;
    double rate = 0;  // calls per second, as a Poisson process; 0: as fast as the window allows
    std::size_t window = 64;
    /// Of a hundred calls: reads, and writes that may be sent again.
    unsigned reads = 15;
    unsigned again = 0;
    std::uint64_t bytes_max = std::uint64_t{1} << 20;  // of a value that is put
    std::uint64_t calls_max = 0;
    std::uint64_t timeout_ms = 5000;
    std::uint64_t connect_timeout_ms = 10'000;
    std::uint64_t first_id = 1;
    std::uint64_t seed = 1;
    std::string calls_file;
};

/// @returns an exit code when the program is to end at once, having printed why; otherwise -1.
int read_options(int count, char** words, keyed_options& into);

}  // namespace dunlin::chaos
