// SPDX-License-Identifier: Apache-2.0
//
// Which member owns a key of a function, or of a space: one of those that serve it.
//
// Nodes and clients ask here, each with the members it knows, and those who know the same members
// find the same owner; WIRE.md says how in words, for other languages. Functions that the same
// members serve share a map of the partitions, and a cluster has few kinds of nodes, so maps are
// made when a key first needs one and kept: finding an owner costs three hashes then.
// One owner, one thread (or the lock that guards it).
#pragma once

#include "cluster/rendezvous.hpp"
#include "cluster/served_set.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dunlin::cluster {

class key_owners {
public:
    static constexpr std::uint64_t nobody = 0;

    struct member {
        std::uint64_t instance = nobody;
        std::string name;
        bool draining = false;
        served_set serves;
    };

    /// There are these members and no others. Of those that have one name the one with the largest
    /// instance counts.
    void assign(std::vector<member> members);

    /// The instance of the owner, which does not drain if any that serves the function does not;
    /// `nobody` when no member serves it. @param function as `owned_name` gives it
    [[nodiscard]] std::uint64_t owner(std::string_view function, std::string_view key);

    /// The same for a partition, which is below `partition_count`.
    [[nodiscard]] std::uint64_t owner_of(std::string_view function, std::uint32_t partition);

    /// Maps that were made since the last `assign`.
    [[nodiscard]] std::size_t maps() const noexcept { return maps_.size(); }

private:
    /// More kinds of nodes, or functions called with keys, than this and all is made anew. What
    /// names callers make up costs no more than that.
    static constexpr std::size_t maps_max = 64;
    static constexpr std::size_t functions_max = 16384;

    using places = std::vector<std::uint32_t>;  // among the members

    /// Who serves some functions, and which of them owns which partition.
    using assignment = std::pair<const places, std::unique_ptr<partition_map>>;

    [[nodiscard]] places servers_of(std::uint32_t function) const;
    [[nodiscard]] const assignment& assignment_of(std::uint32_t function);

    std::vector<member> members_;  // by name, each once
    std::map<places, std::unique_ptr<partition_map>> maps_;
    std::unordered_map<std::uint32_t, const assignment*> by_function_;  // by its hash
};

}  // namespace dunlin::cluster
