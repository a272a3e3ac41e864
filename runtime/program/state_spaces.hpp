// SPDX-License-Identifier: Apache-2.0
//
// The spaces of all nodes of a cluster, for `dunlin state spaces`: asked for at the same time, and
// laid out.
//
// A space has a row for each node that serves it: who has few hits, many waiting calls or refuses
// is not seen in a sum. Main thread; while the nodes are asked there is one more for each.
#pragma once

#include "runtime/program/connection.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {

struct space_row {
    std::string name;
    std::string mode;
    std::string schema;
    std::uint64_t keys_in_memory = 0;
    std::uint64_t bytes_in_memory = 0;
    std::uint64_t turns = 0;
    std::uint64_t found = 0;
    std::uint64_t reads = 0;
    std::uint64_t commits = 0;
    std::uint64_t missed = 0;
    std::uint64_t waiting = 0;
    std::uint64_t evicted = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t keys_offered = 0;
    std::uint64_t keys_taken = 0;
    std::uint64_t batches = 0;
    std::uint64_t batches_failed = 0;
    double gate_p50_us = 0;
    double gate_p99_us = 0;
    std::string refused;  // why it takes no calls; empty: it does
};
struct space_list {
    std::string node;
    std::string store;  // empty: none
    std::vector<space_row> spaces;
};

/// What nodes have answered.
struct cluster_spaces {
    std::string asked;                                  // the node that the others are known from
    std::vector<space_list> nodes;                      // by name
    std::vector<std::pair<std::string, error>> silent;  // did not answer, and why
};

/// Of all living nodes; of a key that may not list them, of the one that `entry` leads to.
[[nodiscard]] cluster_spaces ask_spaces(client& entry, std::chrono::milliseconds patience,
                                        const key_files& keys);

/// One node's answer to `spaces`.
[[nodiscard]] result<space_list> read_spaces(bytes_view reply);

[[nodiscard]] std::string spaces_table(const cluster_spaces& all);
/// What the asked node says as if it were alone, and the same of all in `nodes`.
[[nodiscard]] std::string spaces_json(const cluster_spaces& all);

}  // namespace dunlin::program
