// SPDX-License-Identifier: Apache-2.0
//
// Finds out how far a ROUTER has counted its peers, and whether somebody has claimed ids ahead.
//
// Why that must be known is told in routing_ids.hpp. The probe connects a socket of its own to the
// ROUTER and sends it a frame that nobody else can know; the id under which it arrives is the
// count. Connections that come one after the other are asked about together, after a pause. Part of
// a lane; one thread.
#pragma once

#include "runtime/lane/router_socket.hpp"
#include "runtime/lane/routing_ids.hpp"

#include <zmq.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace dunlin::runtime {

class routing_id_probe {
public:
    static constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();

    explicit routing_id_probe(router_socket& router) : router_(router) {}

    /// Whether it has ever asked.
    [[nodiscard]] bool started() const noexcept { return !question_.empty(); }
    /// A connection was accepted.
    void accepted() noexcept {
        ids_.accepted();
        ++may_follow_;
    }
    /// Asks, unless it waits for an answer or has asked just now. `speechless` connections have not
    /// said a word yet, and may get a later number than the question.
    /// @returns when to ask again; `never_ns`: not for this.
    std::int64_t ask(std::size_t speechless, std::int64_t now_ns);
    /// Whether it has been told to ask and could not.
    [[nodiscard]] bool due() const noexcept { return due_; }

    /// Whether the frame is the question. Then `claims` tells how many ids that ZeroMQ would give
    /// out next are taken.
    [[nodiscard]] bool is_question(std::string_view routing_id, const zmq::message_t& frame,
                                   std::size_t& claims);
    /// Whether the sender has chosen an id that only ZeroMQ makes up.
    [[nodiscard]] bool is_claim(std::string_view routing_id) const noexcept {
        return ids_.is_claim(routing_id);
    }
    void close() { asker_.close(); }

private:
    router_socket& router_;
    zmq::socket_t asker_;
    routing_id_count ids_;
    std::string question_;        // the asker's frame, which nobody can know
    std::size_t may_follow_ = 0;  // connections that may get a later number than it
    bool asked_ = false;
    bool due_ = false;
    std::int64_t ask_again_ns_ = 0;
};

}  // namespace dunlin::runtime
