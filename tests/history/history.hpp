// SPDX-License-Identifier: Apache-2.0
//
// The history of many keys, and whether each of them is linearizable.
//
//     history::keyed_history all;
//     all.add("ann", {.id = 1, .what = action::add, .how = ending::answered, ...});
//     const auto found = all.judge();
//     if (!found.good()) std::cerr << found.text();
//
// A key is judged by what its answers say of places, where they do (answered_positions.hpp), else
// by a search (order_search.hpp). One owner, one thread.
#pragma once

#include "tests/history/operation.hpp"
#include "tests/history/verdict.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace dunlin::history {

/// Of one key, in any order.
[[nodiscard]] verdict judge(std::span<const operation> of_one_key);

/// What the histories of all keys come to.
struct findings {
    struct of_key {
        std::string key;
        verdict found;
    };
    std::vector<of_key> bad;  // undecided ones, too
    std::size_t keys = 0;
    std::uint64_t answered = 0;
    std::uint64_t not_run = 0;
    std::uint64_t unknown = 0;
    std::uint64_t steps = 0;  // of all searches

    [[nodiscard]] bool good() const noexcept { return bad.empty(); }
    /// A few lines for each bad key, of the first few.
    [[nodiscard]] std::string text() const;
};

class keyed_history {
public:
    void add(const std::string& key, operation one) { keys_[key].push_back(std::move(one)); }
    /// @param bad_max keys that are not linearizable, after which the others are left alone
    [[nodiscard]] findings judge(std::size_t bad_max = 1000) const;
    [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
    void clear() noexcept { keys_.clear(); }

private:
    std::map<std::string, std::vector<operation>> keys_;
};

}  // namespace dunlin::history
