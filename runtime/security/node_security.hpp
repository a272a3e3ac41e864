// SPDX-License-Identifier: Apache-2.0
//
// What a node with a key has: its key pair, who may connect now, and the seal of origins.
//
// Read from the files of `--key` and `--allow` before the node opens anything; a node whose files
// are not in order does not start. Owned by the node, which outlives all who use it; any thread.
#pragma once

#include "runtime/security/access.hpp"
#include "runtime/security/gate_counters.hpp"
#include "runtime/security/origin_seal.hpp"
#include "runtime/security/watched_file.hpp"
#include "security/curve.hpp"

#include <dunlin/result.hpp>

#include <memory>
#include <optional>
#include <string>

namespace dunlin::runtime {

struct node_security {
    node_security(security::key_pair own, std::optional<watched_file> file, allow_list others);

    /// Null: `key_file` is empty, and the node speaks plain ZeroMQ. Errors: `invalid_argument`.
    [[nodiscard]] static result<std::unique_ptr<node_security>> load(const std::string& key_file,
                                                                     const std::string& allow_file);

    /// For connections to other nodes: they have the same key.
    std::shared_ptr<const security::client_keys> keys;
    std::optional<watched_file> allow;
    origin_seal seal;
    access_board board;
    gate_counters counters;
};

}  // namespace dunlin::runtime
