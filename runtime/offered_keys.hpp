// SPDX-License-Identifier: Apache-2.0
//
// Who is told of keys that have moved away, in messages of bounded size.
//
// Each key goes to the member that owns it by the newest view, the hottest first. Pure but for the
// lookup; any thread.
#pragma once

#include "runtime/lane/inbox.hpp"
#include "runtime/owner_lookup.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::runtime {

/// Keys of one message at most; their bytes are those of all lists (`wire::list_bytes_max`).
inline constexpr std::size_t offered_keys_max = 256;

/// `keys` of the space, the hottest first. Those that nobody owns, or `own`, are left out.
[[nodiscard]] std::vector<key_offer> offers_of(const std::string& space,
                                               std::vector<std::string> keys, owner_lookup& owners,
                                               std::uint64_t own);

}  // namespace dunlin::runtime
