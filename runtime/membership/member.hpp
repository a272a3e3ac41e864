// SPDX-License-Identifier: Apache-2.0
//
// What nodes tell each other about a node.
//
// A member is one process start of a node: its `instance` is unique and larger than those of
// earlier starts. What is said about it is ordered by the pair (incarnation, state): only the
// member itself raises its incarnation, and of two statements the greater wins everywhere. So
// nodes that have heard the same statements agree, in whatever order they heard them.
// Values; any thread.
#pragma once

#include "cluster/served_set.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime::membership {

using instance_id = std::uint64_t;
inline constexpr instance_id no_instance = 0;

using incarnation_number = std::uint32_t;

/// In the order in which statements of one incarnation override each other.
enum class member_state : std::uint8_t {
    alive,
    suspect,  // did not answer; has some time to say otherwise
    dead,     // did not say otherwise
    left,     // said that it leaves
};

[[nodiscard]] constexpr std::string_view to_string(member_state state) noexcept {
    switch (state) {
        case member_state::alive: return "alive";
        case member_state::suspect: return "suspect";
        case member_state::dead: return "dead";
        case member_state::left: return "left";
    }
    return "dead";
}

/// Alive or suspect: part of the cluster, and to be probed.
[[nodiscard]] constexpr bool is_living(member_state state) noexcept {
    return state == member_state::alive || state == member_state::suspect;
}

/// What a node says of itself. It changes with a higher incarnation only.
struct member_record {
    instance_id instance = no_instance;
    std::string name;
    std::vector<std::string> endpoints;  // of its lanes
    std::string version;                 // of its runtime
    bool draining = false;
    // The same for as long as it lives. Nodes that are older than one of these pass it on without.
    cluster::served_set serves = {};
    std::uint64_t store = 0;  // of a shared store, `state_store::identity`; 0: it has none

    friend bool operator==(const member_record&, const member_record&) = default;
};

/// How many of the parts that older nodes leave out it has.
[[nodiscard]] inline unsigned parts_told(const member_record& record) noexcept {
    return (record.serves.tells() ? 1U : 0U) + (record.store != 0 ? 1U : 0U);
}

/// Records are never changed once shared, so thousands of simulated nodes can point to one.
using record_ptr = std::shared_ptr<const member_record>;

/// Which of two statements about one member wins: the greater.
[[nodiscard]] constexpr std::uint64_t rank(incarnation_number incarnation,
                                           member_state state) noexcept {
    return (std::uint64_t{incarnation} << 2) | static_cast<std::uint64_t>(state);
}

}  // namespace dunlin::runtime::membership
