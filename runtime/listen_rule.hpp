// SPDX-License-Identifier: Apache-2.0
//
// Where a node may listen.
//
// Pure functions. Beyond loopback a node without a key would serve anyone who reaches the port, so
// that is refused unless the operator says that it is meant.
#pragma once

#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <string_view>

namespace dunlin::runtime {

/// Whether only this machine can reach the endpoint.
[[nodiscard]] bool is_loopback(std::string_view endpoint) noexcept;

/// Refuses what is no endpoint to listen on.
[[nodiscard]] result<void> check_listens_at(std::string_view endpoint);

/// Refuses names and endpoints that are none, and an open one without a key or `insecure`.
[[nodiscard]] result<void> check_listen(const node_config& config);

}  // namespace dunlin::runtime
