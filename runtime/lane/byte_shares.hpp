// SPDX-License-Identifier: Apache-2.0
//
// Whether a call may be kept, by what the node holds, what its caller holds, and its weight.
//
// One caller with many large payloads must not fill the node's memory so that all others are
// refused. So nobody has a fixed share, and nobody may have all: a caller may hold a multiple of
// what is free, by its weight (dynamic thresholds: Choudhury and Hahne, "Dynamic Queue Length
// Thresholds for Shared-Memory Packet Switches", IEEE/ACM ToN 1998). Alone it gets eight ninths of
// what there is; n equal callers that want more than there is get 8/(8n+1) each, weights as their
// ratio; the caller that holds most by its weight is the first to be refused, and what is free
// never ends.
//
// Calls are refused before the limit, at nine tenths of it (`line`). The last tenth is for callers
// that hold little: there a caller may hold an eighth of what is free, so newcomers find room
// beside any number of others whose calls are not smaller than theirs. Against that tenth counts
// only what is kept, not what has come and is not read: that is whose connection it is, and bounded
// by itself. What is held is not taken away again: who has more than its share when others come is
// refused until it has less. Replies and what is no call always pass. Pure value; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace dunlin::runtime {

class byte_shares {
public:
    /// Of what is free below the line, for each unit of weight.
    static constexpr std::size_t times_free = 8;
    /// Of what is free above it, the part for a unit of weight, up to all.
    static constexpr std::size_t reserve_part = 8;
    static constexpr std::uint32_t weight_max = 64;

    enum class verdict : std::uint8_t {
        fits,
        beyond_share,  // others would be refused for it
        full,          // the node holds as much as it may
    };
    /// With the frame that is judged counted in.
    struct holding {
        std::size_t by_caller = 0;
        std::uint32_t weight = 1;
        std::size_t kept = 0;    // by the node: frames, replies, what actors hold
        std::size_t unread = 0;  // by the node: received, and not looked at
    };

    explicit constexpr byte_shares(std::size_t bytes_max) noexcept
        : bytes_max_(bytes_max),
          line_(bytes_max - bytes_max / 10) {}

    [[nodiscard]] constexpr std::size_t bytes_max() const noexcept { return bytes_max_; }
    /// Beyond this only callers that hold little are admitted.
    [[nodiscard]] constexpr std::size_t line() const noexcept { return line_; }

    /// Whether the node holds so little that nobody's share is used up.
    [[nodiscard]] constexpr bool plenty(std::size_t all) const noexcept {
        return all <= line_ / (times_free + 1) * times_free;
    }
    [[nodiscard]] constexpr verdict judge(const holding& now) const noexcept {
        const auto all = now.kept + now.unread;
        const std::size_t weight = std::clamp<std::uint32_t>(now.weight, 1, weight_max);
        if (all <= line_ && now.by_caller / (times_free * weight) <= line_ - all)
            return verdict::fits;
        if (now.kept <= bytes_max_ && now.by_caller <= (bytes_max_ - now.kept) / reserve_part *
                                                           std::min(weight, reserve_part))
            return verdict::fits;
        return all <= line_ ? verdict::beyond_share : verdict::full;
    }

private:
    std::size_t bytes_max_;
    std::size_t line_;
};

}  // namespace dunlin::runtime
