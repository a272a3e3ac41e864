// SPDX-License-Identifier: Apache-2.0
//
// Which nodes there are, as far as the nodes that a client talks to have told it.
//
// Each node sends its own view, in parts, and again whenever it changes; of one sender the newest
// counts. Views may differ for a while, so a member lives as long as any sender names it: to try
// one that is gone costs an attempt, to forget one that lives costs its capacity. It drains as
// soon as any sender says so, since nobody takes that back. Of two processes with one name the
// larger instance counts. When a sender is lost its view goes, but for the last one,
// which is better than nothing.
//
// Pure: no socket, no clock. Guarded by the driver's mutex.
#pragma once

#include "cluster/served_set.hpp"
#include "wire/cluster_items.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::link {

struct member {
    std::uint64_t instance = 0;
    std::string name;
    bool draining = false;
    std::vector<std::string> endpoints;
    cluster::served_set serves = {};

    friend bool operator==(const member&, const member&) = default;
};

/// A list of members as it arrives on one connection.
class member_parts {
public:
    /// Longer lists than this come from no cluster that works, and are not kept.
    static constexpr std::size_t members_max = 65536;

    /// One envelope, of a node that was reached at `through`. @returns whether it completes a list.
    [[nodiscard]] bool add(wire::item_list part, std::string_view through);

    [[nodiscard]] std::uint64_t view() const noexcept { return view_; }
    /// The complete list; it is gone from here then.
    [[nodiscard]] std::vector<member> take() noexcept;

private:
    std::uint64_t view_ = 0;
    std::size_t total_ = 0;
    bool reading_ = false;  // the parts so far make a list
    std::vector<member> members_;
};

class member_views {
public:
    /// @returns whether this changes `members()`.
    bool told(std::uint64_t sender, std::uint64_t view, std::vector<member> list);
    /// No connection to that sender is left. @returns whether this changes `members()`.
    bool lost(std::uint64_t sender);

    /// Whether anyone but itself names that member, if there is anyone else.
    [[nodiscard]] bool vouched_for(std::uint64_t instance) const noexcept;

    /// By instance, each once.
    [[nodiscard]] const std::vector<member>& members() const noexcept { return merged_; }

private:
    struct view {
        std::uint64_t sender;
        std::uint64_t number;
        std::vector<member> list;
    };

    bool merge();

    std::vector<view> views_;
    std::vector<member> merged_;
};

}  // namespace dunlin::link
