// SPDX-License-Identifier: Apache-2.0
//
// Which member owns a key of a space, for those who ask now and then.
//
// By the newest view of the cluster, also of spaces that this node does not serve. Lanes have the
// same in `cluster::key_owners`, each its own. Owned by the node; safe from any thread.
#pragma once

#include "cluster/key_owners.hpp"
#include "runtime/membership/cluster_view.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

namespace dunlin::runtime {

class owner_lookup {
public:
    /// The cluster has changed.
    void seen(std::shared_ptr<const cluster_view> view);
    /// Nobody serves the space, as far as is known: none.
    [[nodiscard]] std::optional<cluster_member> owner(std::string_view space, std::string_view key);
    /// Its instance alone; `key_owners::nobody`.
    [[nodiscard]] std::uint64_t instance(std::string_view space, std::string_view key);

private:
    std::mutex mutex_;
    std::shared_ptr<const cluster_view> view_;
    cluster::key_owners owners_;
};

}  // namespace dunlin::runtime
