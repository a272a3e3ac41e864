// SPDX-License-Identifier: Apache-2.0
#include <dunlin/result.hpp>

namespace dunlin {

std::string to_string(const error& e) {
    std::string text(to_string(e.code));
    if (!e.detail.empty()) text.append(": ").append(e.detail);
    return text;
}

}  // namespace dunlin
