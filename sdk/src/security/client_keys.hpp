// SPDX-License-Identifier: Apache-2.0
//
// The keys of the connecting side: its own pair, and the public key that the node at the other end
// has to prove. A value, read once and shared by all connections; any thread.
#pragma once

#include "security/key_file.hpp"

#include <dunlin/result.hpp>

#include <memory>
#include <string>

namespace dunlin::security {

struct client_keys {
    key_pair own;
    std::string node_public_key;
};

/// Reads both files; null when neither is named, and an error when only one is. A file with the
/// nodes' secret key is refused: it has no business with a client. Errors: `invalid_argument`.
[[nodiscard]] result<std::shared_ptr<const client_keys>> read_client_keys(
    const std::string& key_file, const std::string& node_key_file);

}  // namespace dunlin::security
