// SPDX-License-Identifier: Apache-2.0
//
// What the membership needs of the lane that carries its messages. Interface without fields; the
// lane's thread.
#pragma once

#include <dunlin/bytes.hpp>

#include <cstdint>

namespace dunlin::runtime {

class links;

class gossip_carrier {
public:
    virtual ~gossip_carrier() = default;
    [[nodiscard]] virtual runtime::links& links() noexcept = 0;
    /// Over a link to that node, or over the one that it has opened to this node.
    /// @returns false when it is not connected.
    virtual bool send_gossip(std::uint64_t to, bytes_view message) = 0;
};

}  // namespace dunlin::runtime
