// SPDX-License-Identifier: Apache-2.0
//
// Which functions `dunlin top` shows, and how keys move through them.
//
// Of hundreds of functions a screen has room for a few: those whose name holds a text, without
// those that are not called if so wished, from one of them on. Pure; one thread.
#pragma once

#include "runtime/program/top_model.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::program {

class top_scroll {
public:
    explicit top_scroll(std::string filter = {}) : filter_(std::move(filter)) {}

    /// Takes keys as a terminal sends them: arrows or j and k for a line, page keys or space and b
    /// for ten, g for the top, i for idle functions on and off. True if one of them was q.
    bool press(std::string_view keys);
    /// What is left of a model.
    [[nodiscard]] top_model apply(top_model model) const;

private:
    void move(std::ptrdiff_t lines);

    std::string filter_;
    bool hides_idle_ = false;
    std::size_t first_ = 0;
};

}  // namespace dunlin::program
