// SPDX-License-Identifier: Apache-2.0
//
// Which functions a node serves, in a few bytes that travel with the list of members.
//
// The owner of a key has to be one of the nodes that serve the function, and everybody who knows
// the members has to find the same one, also those without a connection to each of them. So each
// member tells a digest: the lowest 32 bits of the `name_hash` of each function's full name, as
// four big-endian bytes, in rising order. Two names in one hash (one in 4 * 10^9 pairs) make a node
// look as if it served both. A node that tells nothing, because it is older than the digest or
// serves more functions than it has room for, counts as one that serves all.
// Functions whose keys are in a space have their owners in common: the space is asked for in their
// place, so a node tells its spaces as well (`owned_name`).
// A value; any thread may read.
#pragma once

#include "cluster/rendezvous.hpp"

#include <dunlin/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::cluster {

/// The name under which the owner of a function's keys is asked for: that of the space that they
/// are in, which no function can have, or the function's own.
[[nodiscard]] inline std::string owned_name(std::string_view function, std::string_view space) {
    if (space.empty()) return std::string(function);
    std::string name = "space:";
    return name += space;
}

class served_set {
public:
    /// Functions that a digest has room for: 2 KiB for each member, so that a part of the
    /// membership's list (64 members and some) fits into one gossip.
    static constexpr std::size_t functions_max = 512;
    static constexpr std::size_t hash_bytes = 4;
    static constexpr std::size_t bytes_max = functions_max * hash_bytes;

    [[nodiscard]] static constexpr std::uint32_t hash_of(std::string_view function) noexcept {
        return static_cast<std::uint32_t>(name_hash(function));
    }

    /// Nothing was told.
    served_set() = default;

    /// Of a node that serves these; of too many it tells nothing.
    [[nodiscard]] static served_set of(std::span<const std::string> functions) {
        if (functions.size() > functions_max) return {};
        std::vector<std::uint32_t> hashes;
        hashes.reserve(functions.size());
        for (const auto& each : functions) hashes.push_back(hash_of(each));
        return served_set(std::move(hashes));
    }

    /// Whether bytes of a peer can be a digest.
    [[nodiscard]] static constexpr bool is_digest(bytes_view told) noexcept {
        return told.size() <= bytes_max && told.size() % hash_bytes == 0;
    }
    /// What a peer told, in whatever order. @pre `is_digest(told)`
    [[nodiscard]] static served_set told(bytes_view told) {
        std::vector<std::uint32_t> hashes(told.size() / hash_bytes);
        for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = at(told, i);
        return served_set(std::move(hashes));
    }

    [[nodiscard]] bool tells() const noexcept { return tells_; }
    /// How many functions were told.
    [[nodiscard]] std::size_t size() const noexcept { return digest_.size() / hash_bytes; }
    /// The digest, if there is one.
    [[nodiscard]] bytes_view view() const noexcept { return {digest_.data(), digest_.size()}; }
    /// Whether the node serves the function with that hash, as far as is known.
    [[nodiscard]] bool may_serve(std::uint32_t hash) const noexcept {
        if (!tells_) return true;
        std::size_t low = 0;
        for (std::size_t high = size(); low < high;) {
            const auto middle = (low + high) / 2;
            if (at(view(), middle) < hash)
                low = middle + 1;
            else
                high = middle;
        }
        return low < size() && at(view(), low) == hash;
    }

    friend bool operator==(const served_set&, const served_set&) = default;

private:
    explicit served_set(std::vector<std::uint32_t> hashes) : tells_(true) {
        std::sort(hashes.begin(), hashes.end());
        hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
        digest_.reserve(hashes.size() * hash_bytes);
        for (const auto hash : hashes) {
            for (int shift = 24; shift >= 0; shift -= 8)
                digest_.push_back(static_cast<std::byte>(hash >> shift));
        }
    }

    [[nodiscard]] static std::uint32_t at(bytes_view digest, std::size_t place) noexcept {
        std::uint32_t hash = 0;
        for (const auto byte : digest.subspan(place * hash_bytes, hash_bytes))
            hash = hash << 8 | std::to_integer<std::uint32_t>(byte);
        return hash;
    }

    bool tells_ = false;
    std::vector<std::byte> digest_;
};

}  // namespace dunlin::cluster
