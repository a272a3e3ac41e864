// SPDX-License-Identifier: Apache-2.0
//
// The functions of this node by name.
//
// Filled while the node starts, read-only while it serves; any thread.
#pragma once

#include "actors/pool.hpp"

#include <dunlin/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dunlin::runtime {

class function_registry {
public:
    void add(std::unique_ptr<actors::pool> pool);

    [[nodiscard]] actors::pool* find(std::string_view name) const noexcept {
        const auto found = pools_.find(name);
        return found == pools_.end() ? nullptr : found->second.get();
    }
    /// Sorted.
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
    /// Those that are not the node's own.
    [[nodiscard]] std::vector<std::string> of_modules() const;
    /// In the order of the names.
    [[nodiscard]] std::vector<actors::pool*> pools() const;

    enum class suggestion : std::uint8_t { nearest, none };
    /// The answer to a call of an unknown function: names the nearest known one. Finding that
    /// costs more than most calls, so where there may be many it can be left out.
    [[nodiscard]] error unknown(std::string_view name, suggestion with = suggestion::nearest) const;

private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, std::unique_ptr<actors::pool>, hash, std::equal_to<>> pools_;
    std::vector<std::string> names_;
};

}  // namespace dunlin::runtime
