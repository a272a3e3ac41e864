// SPDX-License-Identifier: Apache-2.0
//
// The command line of word_count. Pure: reads nothing but its arguments.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace word_count {

struct options {
    std::vector<std::string> folders;
    std::vector<std::string> nodes = {"tcp://127.0.0.1:7440"};
    std::size_t chunk_bytes = 256 * 1024;
    std::size_t window = 64;
    std::size_t top = 20;
    bool json = false;
    bool help = false;
    /// What is wrong with the arguments; empty when nothing is.
    std::string mistake;
};

[[nodiscard]] options parse_options(const std::vector<std::string_view>& arguments);

[[nodiscard]] std::string_view help_text();

}  // namespace word_count
