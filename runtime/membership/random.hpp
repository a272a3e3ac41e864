// SPDX-License-Identifier: Apache-2.0
//
// Chance that can be had again.
//
// The same seed gives the same draws on every machine, which the standard distributions do not
// promise. splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
// 2014). Not for secrets. One owner, one thread.
#pragma once

#include <cstdint>

namespace dunlin::runtime::membership {

/// Spreads every bit of `bits` over all others.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t bits) noexcept {
    bits += 0x9e37'79b9'7f4a'7c15u;
    bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11ebu;
    return bits ^ (bits >> 31);
}

class seeded_random {
public:
    explicit seeded_random(std::uint64_t seed) noexcept : state_(seed) {}

    [[nodiscard]] std::uint64_t draw() noexcept {
        const auto bits = mix(state_);
        state_ += 0x9e37'79b9'7f4a'7c15u;
        return bits;
    }
    /// From 0 to `end - 1`; 0 when `end` is 0.
    [[nodiscard]] std::uint32_t below(std::uint32_t end) noexcept {
        return static_cast<std::uint32_t>(((draw() >> 32) * end) >> 32);
    }
    /// True with this probability.
    [[nodiscard]] bool chance(double probability) noexcept {
        return static_cast<double>(draw() >> 11) * 0x1.0p-53 < probability;
    }

private:
    std::uint64_t state_;
};

}  // namespace dunlin::runtime::membership
