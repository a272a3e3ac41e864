// SPDX-License-Identifier: Apache-2.0
//
// What a peer of a node with a key may do, by the key that its connection has shown.
//
// ZeroMQ tells the key with each frame; the peer's routing id proves nothing, as whoever connects
// chooses it. Whether a function may be called is found out once for each and kept until the
// allow-list changes. Owned by the lane; one thread.
#pragma once

#include "runtime/security/allow_list.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace dunlin::runtime {

struct peer_rights {
    std::string key;                 // public
    const grant* granted = nullptr;  // of the lane's `access`
    /// The origin that its calls name, and the one they have here; 0: it has named none yet.
    std::uint64_t origin_told = 0;
    std::uint64_t origin_sealed = 0;

    void set(const grant& now) noexcept {
        granted = &now;
        verdicts_.clear();
    }
    /// @param known identifies the function (its pool or its route); null: nobody serves it
    [[nodiscard]] bool may_call(std::string_view function, const void* known) {
        if (known == nullptr) return granted->may_call(function);
        const auto [found, fresh] = verdicts_.try_emplace(known, false);
        if (fresh) found->second = granted->may_call(function);
        return found->second;
    }

private:
    std::unordered_map<const void*, bool> verdicts_;
};

}  // namespace dunlin::runtime
