// SPDX-License-Identifier: Apache-2.0
//
// Names that people choose and others read: of nodes, of clusters.
//
// They stand in lines that programs take apart (the line that says a node is ready), in logs and
// on terminals. What cannot stand there is refused where it is given. Pure.
#pragma once

#include <dunlin/result.hpp>

#include <string_view>

namespace dunlin::runtime {

/// Refuses control characters, what breaks or turns a line, what is not UTF-8, and what is too long
/// for the wire. The error does not name the option.
[[nodiscard]] result<void> check_shown_name(std::string_view name);

}  // namespace dunlin::runtime
