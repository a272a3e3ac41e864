// SPDX-License-Identifier: Apache-2.0
//
// Under which addresses other nodes reach this one.
//
// A node that listens on every interface has no address of its own to tell; then it tells the
// host that it was given (`--advertise`), or the first address of this machine that others can
// reach. Called once at start; reads the machine's interfaces and nothing else.
#pragma once

#include <dunlin/result.hpp>

#include <string>
#include <vector>

namespace dunlin::runtime {

/// `bound`: what the lanes listen on. `host`: empty, a name or an address.
[[nodiscard]] result<std::vector<std::string>> advertised(std::vector<std::string> bound,
                                                          const std::string& host);

}  // namespace dunlin::runtime
