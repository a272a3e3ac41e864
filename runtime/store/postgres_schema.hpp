// SPDX-License-Identifier: Apache-2.0
//
// The tables that a cluster's state is in: made where there are none, brought to this version's
// format, and looked at before they are used.
//
// They are in the schema `dunlin`: `format` (one row: the format, and whose state it is), `spaces`
// (names and numbers) and `state`, in parts by the hash of the key. Nodes that start together do
// this one after the other, under an advisory lock of the database; each step is one transaction
// with the change of the format. One thread.
#pragma once

#include "runtime/store/postgres_connection.hpp"

#include <dunlin/result.hpp>

#include <string>
#include <string_view>

namespace dunlin::runtime::store {

/// An error says what is there instead, and what to do.
[[nodiscard]] result<void> prepare_schema(postgres_connection& connection,
                                          std::string_view cluster);

}  // namespace dunlin::runtime::store
