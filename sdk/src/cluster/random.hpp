// SPDX-License-Identifier: Apache-2.0
//
// Mixing of 64-bit words, for choices that look random and repeat with their seed.
//
// The finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", 2014) is part of the wire contract where keys are mapped to owners: it must not
// change. Pure; one owner, one thread.
#pragma once

#include <cstdint>

namespace dunlin::cluster {

/// Spreads every bit of `bits` over all bits of the result; a bijection.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t bits) noexcept {
    bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11ebu;
    return bits ^ (bits >> 31);
}

class random_source {
public:
    explicit constexpr random_source(std::uint64_t seed) noexcept : state_(seed) {}

    constexpr std::uint64_t next() noexcept { return mix(state_ += 0x9e37'79b9'7f4a'7c15u); }
    /// In [0, 1).
    constexpr double next_unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

private:
    std::uint64_t state_;
};

}  // namespace dunlin::cluster
