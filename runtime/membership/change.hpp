// SPDX-License-Identifier: Apache-2.0
//
// What comes out of a node's membership: messages to send, changes to act on, a view to show.
//
// Values; any thread.
#pragma once

#include "runtime/membership/member.hpp"
#include "runtime/membership/message.hpp"

#include <cstdint>
#include <string_view>

namespace dunlin::runtime::membership {

struct outgoing {
    instance_id to = no_instance;
    message what;
};

enum class change_kind : std::uint8_t {
    joined,         // a living member that was not known
    updated,        // a living member says something new of itself: it drains
    suspected,      // a member did not answer
    trusted,        // a suspect contradicted
    died,           // a suspect did not, or another start of the node took its place
    returned,       // one that was dead or had left contradicted
    left,           // a member said that it leaves
    self_refuted,   // this node was suspected or declared dead, and contradicts
    name_conflict,  // two living members have one name
    paused,         // this process did not run for a while; what was under way is forgotten
};

[[nodiscard]] constexpr std::string_view to_string(change_kind kind) noexcept {
    switch (kind) {
        case change_kind::joined: return "joined";
        case change_kind::updated: return "updated";
        case change_kind::suspected: return "suspected";
        case change_kind::trusted: return "trusted";
        case change_kind::died: return "died";
        case change_kind::returned: return "returned";
        case change_kind::left: return "left";
        case change_kind::self_refuted: return "self_refuted";
        case change_kind::name_conflict: return "name_conflict";
        case change_kind::paused: return "paused";
    }
    return "updated";
}

struct change {
    change_kind kind = change_kind::updated;
    record_ptr record;  // whom it is about
    /// For `self_refuted`, `old_state` is what others said of us.
    member_state old_state = member_state::alive;
    member_state new_state = member_state::alive;
    incarnation_number incarnation = 0;  // the new one
    bool about_self = false;
    record_ptr other;            // name_conflict: the member that was known first
    std::int64_t paused_ns = 0;  // paused: how long
};

struct member_view {
    record_ptr record;
    member_state state = member_state::alive;
    incarnation_number incarnation = 0;
    std::uint32_t dead_s = 0;  // dead, left: for so long
};

struct counters {
    std::uint64_t probes = 0;
    std::uint64_t probes_failed = 0;
    std::uint64_t probes_indirect = 0;  // first attempt not answered in time
    std::uint64_t suspicions = 0;       // raised here, not heard of
    std::uint64_t deaths = 0;           // declared here, not heard of
    std::uint64_t refutations = 0;      // of ourselves
    std::uint64_t syncs = 0;            // lists that differed
    std::uint64_t pauses = 0;
    std::uint64_t implausible = 0;  // statements ignored: an incarnation out of all proportion
    std::uint64_t members_refused = 0;
};

}  // namespace dunlin::runtime::membership
