// SPDX-License-Identifier: Apache-2.0
//
// Draws for a simulation: the same seed gives the same ones on every machine, which the standard
// distributions do not promise. splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom
// number generators", 2014) and the inverses of distributions. One owner, one thread.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace dunlin::runtime::rehearsal {

class chance {
public:
    /// Streams of one seed are independent of each other.
    chance(std::uint64_t seed, std::uint64_t stream) noexcept
        : state_(mixed(mixed(seed) ^ (stream * 0xd134'2543'de82'ef95u + 1))) {}

    [[nodiscard]] std::uint64_t draw() noexcept {
        state_ += 0x9e37'79b9'7f4a'7c15u;
        return mixed(state_);
    }
    /// From 0 to below 1.
    [[nodiscard]] double uniform() noexcept {
        return static_cast<double>(draw() >> 11) * 0x1.0p-53;
    }
    [[nodiscard]] std::size_t below(std::size_t end) noexcept {
        return static_cast<std::size_t>(uniform() * static_cast<double>(end));
    }
    /// With mean 1.
    [[nodiscard]] double exponential() noexcept { return -std::log1p(-uniform()); }
    /// With mean 0 and standard deviation 1 (Box and Muller).
    [[nodiscard]] double normal() noexcept {
        const double radius = std::sqrt(2 * exponential());
        return radius * std::cos(2 * std::numbers::pi * uniform());
    }

private:
    [[nodiscard]] static constexpr std::uint64_t mixed(std::uint64_t bits) noexcept {
        bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9u;
        bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11ebu;
        return bits ^ (bits >> 31);
    }

    std::uint64_t state_;
};

/// Service times of a mean and a coefficient of variation (standard deviation by mean): 0 is
/// constant, 1 exponential, another one lognormal.
class service_times {
public:
    service_times(double mean_ns, double cv) noexcept
        : mean_ns_(mean_ns),
          cv_(cv),
          sigma_(std::sqrt(std::log1p(cv * cv))),
          median_ns_(mean_ns * std::exp(-sigma_ * sigma_ / 2)) {}

    [[nodiscard]] std::int64_t draw(chance& from) const noexcept {
        const double drawn = cv_ == 0   ? mean_ns_
                             : cv_ == 1 ? mean_ns_ * from.exponential()
                                        : median_ns_ * std::exp(sigma_ * from.normal());
        return drawn < longest_ns ? static_cast<std::int64_t>(drawn) : longest_ns_int;
    }

private:
    static constexpr std::int64_t longest_ns_int = std::int64_t{1} << 56;  // two years
    static constexpr double longest_ns = static_cast<double>(longest_ns_int);

    double mean_ns_;
    double cv_;
    double sigma_;
    double median_ns_;
};

}  // namespace dunlin::runtime::rehearsal
