// SPDX-License-Identifier: Apache-2.0
//
// The state of a node's keyed functions: their spaces, and the store behind them.
//
// Empty on a node without such functions. Put together before the pools, which find their spaces
// here, and ended after them, when what was not waited for is still written. What is decided about
// state, that a store fails or that a space is not served, is said here once: in the log, and in
// what `dunlin explain` tells of each function that it concerns. Owned by the node.
#pragma once

#include "actors/decision_log.hpp"
#include "actors/environment.hpp"
#include "actors/hot_state.hpp"
#include "actors/state/state_store.hpp"
#include "runtime/membership/cluster_view.hpp"
#include "runtime/module_loader.hpp"
#include "runtime/node_config.hpp"
#include "runtime/store/watched_store.hpp"
#include "runtime/unshared_spaces.hpp"

#include <dunlin/result.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

class node_state {
public:
    /// `decisions` outlives this.
    explicit node_state(actors::decision_log& decisions) : decisions_(decisions) {}

    /// Before the pools are made. The error says which store cannot be used, and what to do.
    /// `router` gets calls whose keys have moved to another node, `offer` the hottest of the keys.
    [[nodiscard]] result<void> open(const std::vector<loaded_module>& modules,
                                    const node_config& config, actors::call_router& router,
                                    actors::owner_keeper::offerer offer);
    /// Null without keyed functions.
    [[nodiscard]] actors::hot_state* spaces() const noexcept { return spaces_.get(); }
    /// Null when nothing is stored.
    [[nodiscard]] const watched_store* store() const noexcept { return store_.get(); }
    /// Where state is stored, for people (`state_place_of`); empty if nothing is.
    [[nodiscard]] const std::string& place() const noexcept { return place_; }
    /// What other members are told of the store; 0: they cannot use it.
    [[nodiscard]] std::uint64_t shared_store() const noexcept {
        return store_ ? store_->identity() : 0;
    }

    /// Whether the new owners of all that this node has given up have been told what is hot.
    [[nodiscard]] bool has_offered() const { return !spaces_ || spaces_->has_offered(); }
    /// The cluster has changed: keys have other owners, and spaces that others serve from another
    /// store take no calls. One thread at a time.
    void seen(const cluster_view& view);
    /// When the pools are shut down.
    void end() const;

private:
    void store_changed(const error* why) const;
    void unshared_changed(const std::string& space, const std::string& why) const;
    void decided(std::string_view space, const actors::decision& what) const;

    actors::decision_log& decisions_;
    std::string place_;
    std::string node_;
    std::uint64_t instance_ = 0;
    bool asked_for_ = false;  // somebody has said where state is to be
    given_up_spaces given_up_;
    // The functions of each space, from `open` on.
    std::multimap<std::string, std::string, std::less<>> functions_;
    std::unique_ptr<watched_store> store_;       // null: nothing is stored
    std::unique_ptr<actors::hot_state> spaces_;  // ends first: it has threads
};

}  // namespace dunlin::runtime
