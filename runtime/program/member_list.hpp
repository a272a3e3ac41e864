// SPDX-License-Identifier: Apache-2.0
//
// The members of a cluster as a node lists them, which is what `dunlin/nodes` answers.
//
// The answer may come from another version: what is missing has its default, what is unknown is
// passed over. Pure; any thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

struct member {
    std::string name;
    std::string state;           // alive, suspect, draining, dead or left
    std::uint64_t instance = 0;  // of the process: another one after a restart
    std::uint64_t incarnation = 0;
    double busy = 0;  // share of its time in use, 0 to 1
    std::string version;
    std::int64_t round_trip_us = 0;  // 0: not known
    std::vector<std::string> endpoints;
    bool asked = false;  // the node that gave the list

    /// Neither dead nor gone.
    [[nodiscard]] bool living() const noexcept { return state != "dead" && state != "left"; }
};

/// Sorted by name, and by instance where a name comes twice.
/// Errors: `internal` for what is no list of members.
[[nodiscard]] result<std::vector<member>> read_members(bytes_view payload);

/// The member of that name: one that lives, or else the latest that did. Null if there is none.
[[nodiscard]] const member* find_member(const std::vector<member>& all, std::string_view name);

/// Why nobody of that name can be spoken to: it is gone, or unknown; with the names that there are.
[[nodiscard]] std::string no_such_member(const std::vector<member>& all, std::string_view name);

}  // namespace dunlin::program
