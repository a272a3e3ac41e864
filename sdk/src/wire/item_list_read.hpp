// SPDX-License-Identifier: Apache-2.0
//
// Reads the lists of `cluster_items.hpp` for the envelope reader: checks every item once.
//
// Each function reads the elements behind the kind; it returns what is wrong, or null. Pure.
#pragma once

#include "wire/cluster_items.hpp"
#include "wire/msgpack_cursor.hpp"

namespace dunlin::wire {

[[nodiscard]] const char* read_loads(msgpack_cursor& in, item_list& out) noexcept;
[[nodiscard]] const char* read_catalog(msgpack_cursor& in, item_list& out) noexcept;
[[nodiscard]] const char* read_members(msgpack_cursor& in, item_list& out) noexcept;
[[nodiscard]] const char* read_offer(msgpack_cursor& in, item_list& out) noexcept;

}  // namespace dunlin::wire
