// SPDX-License-Identifier: Apache-2.0
//
// "a|b|c", as help shows the only values of an option. Pure; any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

/// The texts between the bars; nothing when there is no bar.
[[nodiscard]] inline std::vector<std::string> choices_in(std::string_view placeholder) {
    std::vector<std::string> all;
    if (placeholder.find('|') == std::string_view::npos) return all;
    while (!placeholder.empty()) {
        const auto bar = std::min(placeholder.find('|'), placeholder.size());
        all.emplace_back(placeholder.substr(0, bar));
        placeholder.remove_prefix(std::min(bar + 1, placeholder.size()));
    }
    return all;
}

}  // namespace dunlin::runtime
