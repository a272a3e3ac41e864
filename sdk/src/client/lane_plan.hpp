// SPDX-License-Identifier: Apache-2.0
//
// Decides where and when to connect.
//
// While no node is reached, one endpoint after another of those that the user gave is tried, with
// growing pauses once all were tried. The node that answers names its lanes, and each gets a
// connection of its own; a lane that is lost while others live is tried again alone, and when
// none is left the search begins again, at the next endpoint.
//
// Pure: no socket, no thread, no clock. The driver carries the decisions out and reports what
// came of them.
#pragma once

#include "client/backoff.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::link {

class lane_plan {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct attempt {
        std::uint32_t lane = 0;
        std::string endpoint;
    };

    lane_plan(std::vector<std::string> endpoints, std::chrono::nanoseconds pause_min,
              std::chrono::nanoseconds pause_max, std::uint64_t seed);

    /// A connection to open now; it counts as being tried from here on.
    [[nodiscard]] std::optional<attempt> next_attempt(time_point now);
    /// When `next_attempt` has something next; `time_point::max()` if only reports change that.
    [[nodiscard]] time_point next_action() const noexcept;

    /// The node at `lane` welcomed us and serves at `endpoints` too.
    /// @returns whether this makes good for a connection that was lost.
    bool welcomed(std::uint32_t lane, const std::vector<std::string>& endpoints);
    /// The connection of `lane` failed, ended, or is about to. Reports about lanes that are not
    /// part of the plan any more have no effect.
    void lost(std::uint32_t lane, time_point now);

    /// Part of the plan; a connection whose lane is not should be closed.
    [[nodiscard]] bool has(std::uint32_t lane) const noexcept;
    /// Every lane of the node has its connection.
    [[nodiscard]] bool settled() const noexcept;
    [[nodiscard]] bool any_live() const noexcept;
    /// Times that every endpoint of the user was tried without success since the last welcome.
    [[nodiscard]] std::uint64_t rounds_failed() const noexcept {
        return failures_ / endpoints_.size();
    }
    /// Where the search is now: the endpoint to name in errors.
    [[nodiscard]] std::string_view seeking() const noexcept { return endpoints_[cursor_]; }

private:
    enum class state : std::uint8_t { waiting, trying, live };
    struct lane {
        std::uint32_t id;
        std::string endpoint;
        state now = state::waiting;
        time_point try_at{};
        backoff pause;
    };

    [[nodiscard]] lane* find(std::uint32_t id) noexcept;
    void add(std::string endpoint, time_point try_at);

    std::vector<std::string> endpoints_;
    std::chrono::nanoseconds pause_min_;
    std::chrono::nanoseconds pause_max_;
    std::uint64_t seed_;
    std::size_t cursor_ = 0;
    std::uint64_t failures_ = 0;
    bool reached_ = false;       // a node welcomed us once
    std::size_t lost_live_ = 0;  // connections not made good for yet
    backoff seek_pause_;
    std::uint32_t next_id_ = 1;
    std::vector<lane> lanes_;
};

}  // namespace dunlin::link
