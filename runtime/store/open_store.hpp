// SPDX-License-Identifier: Apache-2.0
//
// Which store a node has, as it is configured.
//
// What somebody has named is opened while the node starts, so that its errors end the start; what
// nobody has named is opened when a call needs it.
#pragma once

#include "actors/state/state_store.hpp"
#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <memory>
#include <string>

namespace dunlin::runtime {

/// Refuses two stores for one node, and a URL that is none.
[[nodiscard]] result<void> check_store_choice(const node_config& config);

/// Whether somebody has said where state is to be.
[[nodiscard]] bool store_is_named(const node_config& config) noexcept;

/// Where state is, for people: the folder of the embedded store, or the URL of a shared one without
/// its password.
[[nodiscard]] std::string state_place_of(const node_config& config);

[[nodiscard]] result<std::unique_ptr<actors::state_store>> open_store(const node_config& config);

}  // namespace dunlin::runtime
