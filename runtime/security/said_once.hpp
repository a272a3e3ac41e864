// SPDX-License-Identifier: Apache-2.0
//
// What was logged already, so that whoever tries again and again fills no disk.
//
// Bounded: when it is full, what is new is not said any more either. For one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace dunlin::runtime {

class said_once {
public:
    static constexpr std::size_t entries_max = 1024;

    /// Whether this is to be said now.
    [[nodiscard]] bool first(std::string_view what) {
        if (said_.size() >= entries_max || said_.find(what) != said_.end()) return false;
        said_.emplace(what);
        return true;
    }
    /// Whether nothing new is said any more.
    [[nodiscard]] bool full() const noexcept { return said_.size() >= entries_max; }

private:
    std::set<std::string, std::less<>> said_;
};

}  // namespace dunlin::runtime
