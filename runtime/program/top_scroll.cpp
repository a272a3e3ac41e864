// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/top_scroll.hpp"

#include <algorithm>
#include <array>

namespace dunlin::program {
namespace {

constexpr std::ptrdiff_t page = 10;

struct named_key {
    std::string_view sent;
    std::ptrdiff_t lines;
};
constexpr std::array moving{
    named_key{"\x1b[A", -1},     named_key{"\x1bOA", -1}, named_key{"k", -1},
    named_key{"\x1b[B", 1},      named_key{"\x1bOB", 1},  named_key{"j", 1},
    named_key{"\x1b[5~", -page}, named_key{"b", -page},   named_key{"\x1b[6~", page},
    named_key{" ", page},
};

}  // namespace

void top_scroll::move(std::ptrdiff_t lines) {
    const auto at = static_cast<std::ptrdiff_t>(first_) + lines;
    first_ = static_cast<std::size_t>(std::max<std::ptrdiff_t>(at, 0));
}

bool top_scroll::press(std::string_view keys) {
    while (!keys.empty()) {
        const auto* known = std::find_if(moving.begin(), moving.end(), [&](const named_key& each) {
            return keys.starts_with(each.sent);
        });
        if (known != moving.end()) {
            move(known->lines);
            keys.remove_prefix(known->sent.size());
            continue;
        }
        if (keys.front() == 'q') return true;
        if (keys.front() == 'g') first_ = 0;
        if (keys.front() == 'i') hides_idle_ = !hides_idle_;
        keys.remove_prefix(1);
    }
    return false;
}

top_model top_scroll::apply(top_model model) const {
    std::erase_if(model.functions, [&](const top_function& each) {
        return each.name.find(filter_) == std::string::npos ||
               (hides_idle_ && each.calls == 0 && each.queue_depth == 0);
    });
    // The last one stays, so that nobody scrolls into nothing.
    const auto most = model.functions.empty() ? 0 : model.functions.size() - 1;
    model.functions_above = std::min(first_, most);
    return model;
}

}  // namespace dunlin::program
