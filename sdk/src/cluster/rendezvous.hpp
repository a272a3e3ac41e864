// SPDX-License-Identifier: Apache-2.0
//
// Which member owns a key, computed alike by everybody who knows the names of the living members.
//
// A key falls into one of 4096 partitions by its hash; a partition belongs to the member with the
// highest weight for it (Thaler and Ravishankar: "Using name-based mappings to increase hit
// rates", 1998), so a member that comes or goes moves little more than its own share. No member
// owns more than 125 % of the mean (the bound of Mirrokni, Thorup, Zadimoghaddam: "Consistent
// hashing with bounded loads", 2016): a full one keeps the partitions for which its weight is
// highest, and the others go to the member next in weight. That is the stable assignment of Gale
// and Shapley (1962), which is unique, so the order of names and of steps does not matter.
//
// Hash, weight and bound are part of the wire contract, because clients in any language may
// compute owners: see the golden values in the test. Correctness never rests on two members
// agreeing; writes carry versions. Pure and immutable: any thread may read.
#pragma once

#include "cluster/random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace dunlin::cluster {

/// FNV-1a over the bytes (64 bits), then the finaliser of splitmix64, since FNV-1a alone leaves
/// the high bits of short strings alike.
[[nodiscard]] constexpr std::uint64_t name_hash(std::string_view bytes) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325u;
    for (const char byte : bytes) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x0000'0100'0000'01b3u;
    }
    return mix(hash);
}

/// Enough that each of some hundred members owns dozens; few enough to map anew in milliseconds.
inline constexpr std::uint32_t partition_count = 4096;

[[nodiscard]] constexpr std::uint32_t partition_of(std::string_view key) noexcept {
    return static_cast<std::uint32_t>(name_hash(key) % partition_count);
}

/// How much the member with that `name_hash` is in favour of owning the partition.
[[nodiscard]] constexpr std::uint64_t rendezvous_weight(std::uint64_t member_hash,
                                                        std::uint32_t partition) noexcept {
    return mix(member_hash + (partition + 1) * 0x9e37'79b9'7f4a'7c15u);
}

class partition_map {
public:
    static constexpr std::uint32_t none = 0xffff'ffffu;
    static constexpr std::uint32_t bound_percent_default = 125;

    /// Nobody owns anything.
    partition_map() noexcept { owners_.fill(none); }
    /// A name that is there twice counts once, where it is first. `bound_percent` is at least 100,
    /// else taken as 100.
    explicit partition_map(std::span<const std::string_view> names,
                           std::uint32_t bound_percent = bound_percent_default);

    /// Index into the names; `none` if there are none.
    [[nodiscard]] std::uint32_t owner(std::string_view key) const noexcept {
        return owners_[partition_of(key)];
    }
    /// `partition` is below `partition_count`.
    [[nodiscard]] std::uint32_t owner_of(std::uint32_t partition) const noexcept {
        return owners_[partition];
    }
    /// The most partitions that one of `members` (at least one) may own.
    [[nodiscard]] static constexpr std::size_t load_max(
        std::size_t members, std::uint32_t bound_percent = bound_percent_default) noexcept {
        const auto parts = std::uint64_t{partition_count} * bound_percent;
        const auto whole = std::uint64_t{100} * members;
        return static_cast<std::size_t>((parts + whole - 1) / whole);
    }

private:
    std::array<std::uint32_t, partition_count> owners_;
};

}  // namespace dunlin::cluster
