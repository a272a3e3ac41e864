// SPDX-License-Identifier: Apache-2.0
//
// Decides where and when to connect.
//
// While no node is reached, one endpoint after another of those that the user gave is tried, with
// growing pauses once all were tried. The node that answers names its lanes, and each gets a
// connection of its own; a lane that is lost while others live is tried again alone, and when
// none is left the search begins again, at the next endpoint.
//
// A node of a cluster tells of the other members. All lanes of those that take calls are
// connected then; of more than `nodes_max` members each client has the ones that it ranks first
// by a hash of its own, so that many clients spread evenly, and a member that comes or goes moves
// few of them. When all are lost, members are tried on while the search goes on, which then
// looks at members that were passed over as well.
//
// Pure: no socket, no thread, no clock. The driver carries the decisions out and reports what
// came of them.
#pragma once

#include "client/backoff.hpp"
#include "client/member_views.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::link {

class node_plan {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct attempt {
        std::uint32_t lane = 0;
        std::string endpoint;
    };
    struct settings {
        std::vector<std::string> endpoints;
        std::chrono::nanoseconds pause_min;
        std::chrono::nanoseconds pause_max;
        std::uint64_t seed = 0;
        std::size_t nodes_max = 16;
    };

    explicit node_plan(settings how);

    /// A connection to open now; it counts as being tried from here on.
    [[nodiscard]] std::optional<attempt> next_attempt(time_point now);
    /// When `next_attempt` has something next; `time_point::max()` if only reports change that.
    [[nodiscard]] time_point next_action() const noexcept;

    /// A node welcomed us at `lane` and serves at `endpoints` too; `instance` 0: it told none.
    /// @returns whether this makes good for a connection that was lost.
    bool welcomed(std::uint32_t lane, std::uint64_t instance,
                  const std::vector<std::string>& endpoints);
    /// The connection of `lane` failed or ended. Reports about lanes that are not part of the plan
    /// any more have no effect.
    void lost(std::uint32_t lane, time_point now);
    /// The node at `lane` wants no more calls and is about to end.
    void left(std::uint32_t lane, time_point now);
    /// What is known of the members; to be told whenever a node tells, also if nothing changes.
    void members(std::span<const member> known, time_point now);

    /// Part of the plan; a connection whose lane is not should get no calls, and be closed.
    [[nodiscard]] bool has(std::uint32_t lane) const noexcept;
    /// Every lane of the nodes has its connection.
    [[nodiscard]] bool settled() const noexcept;
    [[nodiscard]] bool any_live() const noexcept;
    /// Times that every endpoint of the user was tried without success since the last welcome.
    [[nodiscard]] std::uint64_t rounds_failed() const noexcept {
        return failures_ / how_.endpoints.size();
    }
    /// Where the search is now: the endpoint to name in errors.
    [[nodiscard]] std::string_view seeking() const noexcept { return sought(); }

private:
    enum class state : std::uint8_t { waiting, trying, live };
    struct lane {
        std::uint32_t id;
        std::uint64_t instance;  // 0: not told
        bool seeks;              // at an endpoint of the search, whatever node answers there
        std::string endpoint;
        state now = state::waiting;
        time_point try_at{};
        backoff pause;
    };

    [[nodiscard]] lane* find(std::uint32_t id) noexcept;
    [[nodiscard]] const std::string& sought() const noexcept;
    [[nodiscard]] bool wanted(std::uint64_t instance) const noexcept;
    [[nodiscard]] bool draining(std::uint64_t instance) const noexcept;
    void add(std::uint64_t instance, bool seeks, std::string endpoint, time_point try_at);
    void add_lanes(std::uint64_t instance, const std::vector<std::string>& endpoints);
    void choose(std::span<const member> known);
    void prune();
    void seek_on(time_point now);

    settings how_;
    std::size_t cursor_ = 0;
    std::uint64_t failures_ = 0;
    bool reached_ = false;       // a node welcomed us once
    std::size_t lost_live_ = 0;  // connections not made good for yet
    backoff seek_pause_;
    std::uint32_t next_id_ = 1;
    std::vector<lane> lanes_;
    std::vector<std::uint64_t> chosen_;    // members to be connected to
    std::vector<std::uint64_t> draining_;  // members that keep what connections they have
    std::vector<std::uint64_t> departed_;  // members that said that they leave
    std::vector<std::string> passed_over_;
};

}  // namespace dunlin::link
