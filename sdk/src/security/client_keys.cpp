// SPDX-License-Identifier: Apache-2.0
#include "security/client_keys.hpp"

#include <utility>

namespace dunlin::security {

result<std::shared_ptr<const client_keys>> read_client_keys(const std::string& key_file,
                                                            const std::string& node_key_file) {
    if (key_file.empty() && node_key_file.empty()) return std::shared_ptr<const client_keys>();
    if (key_file.empty() || node_key_file.empty()) {
        const bool own = !key_file.empty();
        return {errc::invalid_argument,
                std::string(
                    "a client with keys needs two files: its own key (key_file, --client-key) and "
                    "the nodes' public key (node_key_file, --node-key); only ") +
                    (own ? "its own key " + key_file : "the nodes' key " + node_key_file) +
                    " is given"};
    }
    auto own = read_secret_key(key_file);
    if (!own) return std::move(own.error());
    auto node = read_public_key(node_key_file, secret_too::refuse);
    if (!node) return std::move(node.error());
    return std::make_shared<const client_keys>(
        client_keys{std::move(*own), std::move(node->public_key)});
}

}  // namespace dunlin::security
