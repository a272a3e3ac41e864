// SPDX-License-Identifier: Apache-2.0
//
// The membership as the lane sees it that drives it: something that has to be told what is heard
// and what time it is. Interface without fields; the lane's thread.
#pragma once

#include "runtime/link/link_user.hpp"
#include "wire/envelope.hpp"

#include <dunlin/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::runtime {

/// What a node answers to a hello of its own.
inline constexpr std::string_view itself_text = "this is the node itself";

class membership_driver : public link_listener {
public:
    /// Does what time asks for. @returns when to be called again at the latest.
    virtual std::int64_t advance(std::int64_t now_ns) = 0;
    /// Addresses of nodes to join.
    virtual void seeds(std::vector<std::string> endpoints) = 0;
    /// Whether a node that says this may connect.
    [[nodiscard]] virtual result<void> admit(const wire::hello& hello) const = 0;
    /// Whether this node may drain, or is the last that takes calls: the board is told.
    virtual void ask_to_drain() = 0;
    /// Tells the others that this node takes no new calls; that it is gone.
    virtual void drain() = 0;
    virtual void leave() = 0;
};

}  // namespace dunlin::runtime
