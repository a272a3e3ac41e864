// SPDX-License-Identifier: Apache-2.0
//
// What a client knows of one connection to a lane of a node, without the sockets.
//
// All that decides about calls works on this, so that it can be tested without a network; a
// `connection` is a channel that can send and receive. It fails once, for the first problem, and
// is not used again.
//
// Guarded by the driver's mutex. `problem` is written by the thread that drives, which may read it
// without the mutex.
#pragma once

#include "client/member_views.hpp"
#include "client/outbox.hpp"
#include "client/routes.hpp"
#include "cluster/pulse.hpp"
#include "wire/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::link {

struct peer_node;

[[nodiscard]] inline std::int64_t ns(std::chrono::steady_clock::time_point at) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

class channel {
public:
    enum class phase : std::uint8_t {
        greeting,  // hello is on its way
        live,      // welcomed
        leaving,   // the node wants no more calls; those in flight are still answered
    };

    /// The node does not name the endpoint that leads there, as behind a proxy.
    static constexpr std::size_t unnamed = static_cast<std::size_t>(-1);

    channel(std::uint32_t lane, std::string endpoint, const cluster::pulse::limits& silence = {})
        : pulse(silence),
          lane_(lane),
          endpoint_(std::move(endpoint)) {}
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    /// Its number in the plan.
    [[nodiscard]] std::uint32_t lane() const noexcept { return lane_; }
    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }

    /// Why this connection is of no use any more; empty while it is.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    /// The first problem counts.
    void give_up(std::string problem) {
        if (problem_.empty()) problem_ = std::move(problem);
    }
    /// Nothing was closed, and nothing comes.
    void give_up_silent() {
        silent_ = problem_.empty();
        give_up("it does not answer, and the connection is silent");
    }
    [[nodiscard]] bool is_silent() const noexcept { return silent_; }
    /// Gives up, and does not look at what else has arrived either.
    void give_up_reading(std::string problem) {
        give_up(std::move(problem));
        reading_ = false;
    }

    outbox out;
    cluster::pulse pulse;
    phase now = phase::greeting;
    std::size_t in_flight = 0;
    std::size_t in_flight_max = 0;
    std::uint64_t payload_bytes_max = wire::payload_bytes_max_default;
    bool clustered = false;  // the node speaks of the cluster
    bool said_goaway = false;
    std::string node_name;
    peer_node* node = nullptr;  // while live
    std::uint64_t instance = 0;
    std::size_t lane_index = unnamed;  // among the lanes that the node names
    std::size_t lane_count = 1;        // that it names, this one if it names none
    member_parts members;
    std::vector<std::uint32_t> catalog;  // numbers of functions, by their places in the node's list
    std::vector<routes::served> catalog_parts;  // of a list that is not complete yet

protected:
    ~channel() = default;

    [[nodiscard]] bool reads() const noexcept { return reading_; }

private:
    std::uint32_t lane_;
    std::string endpoint_;
    std::string problem_;
    bool reading_ = true;
    bool silent_ = false;
};

}  // namespace dunlin::link
