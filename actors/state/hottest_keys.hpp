// SPDX-License-Identifier: Apache-2.0
//
// Which of the keys that move to other nodes are worth naming to them: the hottest.
//
// A new owner has nothing of them in memory, and would find that out call by call. It cannot be
// told all: the names take bytes, and the values have to find room in a cache of which nobody here
// knows how full it is. So of each space the `keys_max` hottest are kept while the others pass by,
// and of all together, hottest first, as many as have `bytes_max` of values. What is hot says the
// cache's own policy (`replacement_policy::heat`). Pure; one owner, one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::actors {

class hottest_keys {
public:
    struct limits {
        std::size_t keys_max = 4096;                    // of one space
        std::size_t bytes_max = std::size_t{32} << 20;  // of the values of all
    };

    hottest_keys() = default;
    explicit hottest_keys(limits of) noexcept : limits_(of) {}

    /// A key of that space moves. @param bytes that it takes in memory, with its value
    void consider(std::size_t space, std::uint32_t heat, std::size_t bytes, std::string_view key) {
        if (space >= spaces_.size()) spaces_.resize(space + 1);
        auto& kept = spaces_[space];
        if (kept.size() == limits_.keys_max) {
            if (kept.empty() || !hotter(heat, key, kept.front())) return;
            std::pop_heap(kept.begin(), kept.end(), hotter_of);
            kept.pop_back();
        }
        kept.push_back({heat, space, bytes, std::string(key)});
        std::push_heap(kept.begin(), kept.end(), hotter_of);
    }

    /// The keys by space, the hottest first. Nothing is left.
    [[nodiscard]] std::vector<std::vector<std::string>> take() {
        std::vector<candidate> all;
        for (auto& kept : spaces_) std::move(kept.begin(), kept.end(), std::back_inserter(all));
        std::vector<std::vector<std::string>> chosen(spaces_.size());
        spaces_.clear();
        std::sort(all.begin(), all.end(), hotter_of);
        std::size_t left = limits_.bytes_max;
        for (auto& each : all) {
            if (each.bytes > left) continue;
            left -= each.bytes;
            chosen[each.space].push_back(std::move(each.key));
        }
        return chosen;
    }

private:
    struct candidate {
        std::uint32_t heat;
        std::size_t space;
        std::size_t bytes;
        std::string key;
    };
    /// Of two that are alike the one with the lesser key, so that the same keys are chosen always.
    static bool hotter(std::uint32_t heat, std::string_view key, const candidate& than) noexcept {
        return heat != than.heat ? heat > than.heat : key < than.key;
    }
    static bool hotter_of(const candidate& one, const candidate& other) noexcept {
        return hotter(one.heat, one.key, other);
    }

    limits limits_;
    std::vector<std::vector<candidate>> spaces_;  // heaps, the coldest in front
};

}  // namespace dunlin::actors
