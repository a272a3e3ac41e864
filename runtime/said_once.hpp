// SPDX-License-Identifier: Apache-2.0
//
// What was logged already, so that nobody who tries again and again fills a disk.
//
// A thing is said the first time, and from then on at most once a minute, with the number of times
// that went unsaid. Bounded: what is new when there are `entries_max` things counts as one thing
// together. Time is handed in. For one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::runtime {

class said_once {
public:
    static constexpr std::size_t entries_max = 256;
    static constexpr std::int64_t say_again_ns = 60'000'000'000;

    /// It has happened. When it is to be said: how often it has happened unsaid since the last
    /// time.
    [[nodiscard]] std::optional<std::uint64_t> due(std::string_view what, std::int64_t now_ns) {
        auto known = said_.find(what);
        if (known == said_.end() && said_.size() < entries_max) {
            said_.emplace(what, entry{now_ns, 0});
            return 0;
        }
        auto& found = known == said_.end() ? all_others_ : known->second;
        if (now_ns < found.said_ns + say_again_ns) {
            ++found.unsaid;
            return std::nullopt;
        }
        found.said_ns = now_ns;
        return std::exchange(found.unsaid, 0);
    }

private:
    struct entry {
        std::int64_t said_ns = 0;
        std::uint64_t unsaid = 0;
    };
    std::map<std::string, entry, std::less<>> said_;
    entry all_others_{-say_again_ns, 0};
};

}  // namespace dunlin::runtime
