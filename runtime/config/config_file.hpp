// SPDX-License-Identifier: Apache-2.0
//
// Reads a node's configuration from a TOML file.
//
// A file that is only nearly right must not start a node that is only nearly configured: an
// unknown table or key, a value of another type or out of range is an error that names file,
// line, column and the nearest name that exists. Main thread, once at start.
#pragma once

#include "runtime/config/settings.hpp"

#include <dunlin/result.hpp>

#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Puts what the file says over what `to` has. A module's relative path counts from the file's
/// folder; bare names stay as they are.
[[nodiscard]] result<void> read_config_file(const std::string& path, settings& to);

/// As `read_config_file`, from text; `path` appears in errors and is where relative paths start.
[[nodiscard]] result<void> read_config_text(std::string_view text, const std::string& path,
                                            settings& to);

}  // namespace dunlin::runtime
