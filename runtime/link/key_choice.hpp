// SPDX-License-Identifier: Apache-2.0
//
// Which of the keys that other nodes may have one at an address is taken to have.
//
// While the keys of a cluster are exchanged there are two, and CURVE names the server's key before
// it is known which one it has. A handshake that failed tries the next. Pure; owned by a lane's
// `links`; one thread.
#pragma once

#include "security/client_keys.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::runtime {

class key_choice {
public:
    using keys_ptr = std::shared_ptr<const security::client_keys>;
    /// Addresses of which it is remembered that the first key was wrong.
    static constexpr std::size_t endpoints_max = 1024;

    /// None: plain ZeroMQ.
    void use(std::vector<keys_ptr> keys) { keys_ = std::move(keys); }
    [[nodiscard]] bool allows(std::string_view node_public_key) const {
        return std::any_of(keys_.begin(), keys_.end(), [&](const auto& each) {
            return each->node_public_key == node_public_key;
        });
    }
    /// Null without keys.
    [[nodiscard]] keys_ptr for_node_at(const std::string& endpoint) const {
        if (keys_.empty()) return nullptr;
        const auto wrong = wrong_.find(endpoint);
        return keys_[wrong == wrong_.end() ? 0 : wrong->second % keys_.size()];
    }
    /// @returns whether all keys have been tried now.
    [[nodiscard]] bool was_wrong(const std::string& endpoint) {
        if (keys_.size() < 2) return true;
        if (wrong_.size() >= endpoints_max) wrong_.clear();
        return ++wrong_[endpoint] % keys_.size() == 0;
    }

private:
    std::vector<keys_ptr> keys_;
    std::map<std::string, std::size_t> wrong_;  // how often, where the first one was
};

}  // namespace dunlin::runtime
