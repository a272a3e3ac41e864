// SPDX-License-Identifier: Apache-2.0
//
// The state of a node's keyed functions: their spaces, and the store behind them.
//
// Empty on a node without such functions. Put together before the pools, which find their spaces
// here, and ended after them, when what was not waited for is still written. Owned by the node.
#pragma once

#include "actors/hot_state.hpp"
#include "actors/state/state_store.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/module_loader.hpp"
#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <memory>
#include <string>
#include <vector>

namespace dunlin::runtime {

class node_state {
public:
    /// Before the pools are made. The error says which store cannot be used, and what to do.
    [[nodiscard]] result<void> open(const std::vector<loaded_module>& modules,
                                    const node_config& config);
    /// Null without keyed functions.
    [[nodiscard]] actors::hot_state* spaces() const noexcept { return spaces_.get(); }
    /// The folder of the store; empty if nothing is stored.
    [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

    /// The cluster has changed: spaces that others serve, too, take no calls.
    void seen(const cluster_view& view) const;
    /// When the pools are shut down.
    void end() const;

private:
    std::unique_ptr<actors::state_store> store_;  // null: nothing is stored
    std::unique_ptr<actors::hot_state> spaces_;
    std::string folder_;
    bool asked_for_ = false;  // somebody has said where state is to be
};

}  // namespace dunlin::runtime
