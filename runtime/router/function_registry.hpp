// SPDX-License-Identifier: Apache-2.0
//
// The functions of this node by name, and whether the calls that functions make of them may stay.
//
// A lane decides where a call goes, and a function is not on one; so the lanes leave word here of
// the functions that are warm on this node, which counts for a moment. Filled while the node
// starts; but for that word read-only while it serves. Any thread.
#pragma once

#include "actors/pool.hpp"

#include <dunlin/result.hpp>

#include <atomic>
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
    /// How long a lane's word counts: a tenth of what it takes a warm set to shrink.
    static constexpr std::int64_t warm_ns = 100'000'000;

    struct served {
        explicit served(std::unique_ptr<actors::pool> of) : pool(std::move(of)) {}

        /// Calls from here need no decision of a lane for `warm_ns`.
        void keep_here(std::int64_t now_ns) const noexcept {
            kept_until_ns.store(now_ns + warm_ns, std::memory_order_relaxed);
        }
        [[nodiscard]] bool kept_here(std::int64_t now_ns) const noexcept {
            return now_ns < kept_until_ns.load(std::memory_order_relaxed);
        }

        const std::unique_ptr<actors::pool> pool;
        mutable std::atomic<std::int64_t> kept_until_ns{0};
    };

    void add(std::unique_ptr<actors::pool> pool);

    [[nodiscard]] actors::pool* find(std::string_view name) const noexcept {
        const auto* found = find_served(name);
        return found == nullptr ? nullptr : found->pool.get();
    }
    [[nodiscard]] const served* find_served(std::string_view name) const noexcept {
        const auto found = pools_.find(name);
        return found == pools_.end() ? nullptr : &found->second;
    }
    /// Sorted.
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
    /// Those that are not the node's own.
    [[nodiscard]] std::vector<std::string> of_modules() const;
    /// What the node tells others that it may own keys of: those functions, and the spaces that
    /// they keep their keys in.
    [[nodiscard]] std::vector<std::string> owned_names() const;
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
    std::unordered_map<std::string, served, hash, std::equal_to<>> pools_;
    std::vector<std::string> names_;
};

}  // namespace dunlin::runtime
