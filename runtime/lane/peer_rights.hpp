// SPDX-License-Identifier: Apache-2.0
//
// What a peer of a node with a key may do, by the key that its connection has shown.
//
// ZeroMQ tells the key with each frame; the peer's routing id proves nothing, as whoever connects
// chooses it. Whether a function may be called is found out once for each and kept until the
// allow-list changes. Owned by the lane; one thread.
#pragma once

#include "runtime/security/allow_list.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace dunlin::runtime {

struct peer_rights {
    explicit peer_rights(std::string shown)
        : key(std::move(shown)),
          number(std::hash<std::string>()(key)) {}

    const std::string key;           // public
    const std::uint64_t number;      // of the key, among callers
    const grant* granted = nullptr;  // of the lane's `access`
    /// The origin that its calls name, and the one they have here; 0: it has named none yet.
    std::uint64_t origin_told = 0;
    std::uint64_t origin_sealed = 0;

    void set(const grant& now) noexcept {
        granted = &now;
        verdicts_.clear();
    }
    [[nodiscard]] bool may_call(std::string_view function) {
        if (const auto found = verdicts_.find(function); found != verdicts_.end())
            return found->second;
        if (verdicts_.size() >= verdicts_max) verdicts_.clear();
        return verdicts_.emplace(function, granted->may_call(function)).first->second;
    }

private:
    /// A peer may make up names for ever.
    static constexpr std::size_t verdicts_max = 256;
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, bool, hash, std::equal_to<>> verdicts_;
};

}  // namespace dunlin::runtime
