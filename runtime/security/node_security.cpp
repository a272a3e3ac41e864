// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/node_security.hpp"

#include <utility>

namespace dunlin::runtime {

namespace {

std::shared_ptr<const security::client_keys> for_links(security::key_pair own) {
    auto server = own.public_key;
    return std::make_shared<const security::client_keys>(
        security::client_keys{std::move(own), std::move(server)});
}

}  // namespace

node_security::node_security(security::key_pair own, std::optional<watched_file> file,
                             allow_list others)
    : keys(for_links(std::move(own))),
      allow(std::move(file)),
      seal(keys->own.secret_key.reveal()),
      board(std::make_shared<const access>(keys->own.public_key, keys->own.name,
                                           std::move(others))) {}

result<std::unique_ptr<node_security>> node_security::load(const std::string& key_file,
                                                           const std::string& allow_file) {
    if (key_file.empty()) {
        if (allow_file.empty()) return std::unique_ptr<node_security>();
        return error{errc::invalid_argument,
                     "--allow names who may connect to a node with a key, and this one has none: "
                     "give it one with --key (`dunlin keygen` makes it)"};
    }
    auto own = security::read_secret_key(key_file);
    if (!own) return std::move(own.error());
    if (allow_file.empty())
        return std::make_unique<node_security>(std::move(*own), std::nullopt, allow_list());
    watched_file file(allow_file);  // before it is read: what changes meanwhile is seen later
    auto others = allow_list::read(allow_file);
    if (!others) return std::move(others.error());
    return std::make_unique<node_security>(std::move(*own), std::move(file), std::move(*others));
}

}  // namespace dunlin::runtime
