// SPDX-License-Identifier: Apache-2.0
//
// How many lines of one sort a node logs, when others can cause as many as they like.
//
// So many in a minute are written; the rest are counted, and the first line after that minute says
// how many there were. Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>

namespace dunlin::runtime {

class line_budget {
public:
    static constexpr std::int64_t window_ns = 60'000'000'000;

    explicit line_budget(std::uint32_t lines_per_minute) noexcept : lines_max_(lines_per_minute) {}

    /// Whether the line may be written; then with the number of those before it that were not.
    [[nodiscard]] std::optional<std::uint64_t> say(std::int64_t now_ns) noexcept {
        if (!begun_ || now_ns - since_ns_ >= window_ns || now_ns < since_ns_) {
            begun_ = true;
            since_ns_ = now_ns;
            lines_ = 0;
        }
        if (lines_ == lines_max_) {
            ++unsaid_;
            return std::nullopt;
        }
        ++lines_;
        const auto before = unsaid_;
        unsaid_ = 0;
        return before;
    }

private:
    std::uint32_t lines_max_;
    std::uint32_t lines_ = 0;
    std::uint64_t unsaid_ = 0;
    std::int64_t since_ns_ = 0;
    bool begun_ = false;
};

}  // namespace dunlin::runtime
