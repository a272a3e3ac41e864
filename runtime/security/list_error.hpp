// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with an allow-list, and where: file, line and column, as editors and compilers
// write them. For those who read the list; pure.
#pragma once

#include <dunlin/result.hpp>

#include <toml++/toml.h>

#include <string>

namespace dunlin::runtime {

[[nodiscard]] inline error list_error(const std::string& path, const toml::source_region& at,
                                      const std::string& why) {
    return {errc::invalid_argument, path + ":" + std::to_string(at.begin.line) + ":" +
                                        std::to_string(at.begin.column) + ": " + why};
}

}  // namespace dunlin::runtime
