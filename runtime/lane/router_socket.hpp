// SPDX-License-Identifier: Apache-2.0
//
// The ROUTER socket that a lane's peers connect to, and the monitor that tells of its connections.
//
// Sends and receives without waiting. Its descriptor is edge-triggered: it becomes readable for
// what comes after a look that found nothing, and sending may count as such a look. So read until
// nothing is left, and ask `has_news` before polling. One owner, the thread that has the lane;
// `bind` before that thread is there.
#pragma once

#include <dunlin/result.hpp>

#include <zmq.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dunlin::runtime {

struct node_security;

class router_socket {
public:
    struct options {
        int sockets_max = 1023;                // of the context
        std::size_t frame_bytes_accepted = 0;  // ZeroMQ ends the connection of a larger one
        node_security* security = nullptr;     // null: plain ZeroMQ, open to everybody
    };
    /// One message.
    struct arrival {
        zmq::message_t routing_id;
        zmq::message_t frame;  // its last part
        std::size_t bytes = 0;
        bool single = true;  // it had just the one part
    };
    enum class sent : std::uint8_t { taken, full, unreachable };

    explicit router_socket(const options& how);

    /// For the other sockets of the lane.
    [[nodiscard]] zmq::context_t& context() noexcept { return context_; }
    /// @returns the endpoint with its real port.
    [[nodiscard]] result<std::string> bind(const std::string& endpoint);
    /// ... for sockets of the same context. Throws `zmq::error_t`.
    void bind_inside(const char* endpoint) { socket_.bind(endpoint); }

    /// @returns false when nothing is there.
    [[nodiscard]] bool receive(arrival& into);
    /// `frame` is gone when it was taken, and as it was otherwise.
    [[nodiscard]] sent try_send(std::string_view routing_id, zmq::message_t& frame);

    /// Before the lane sleeps: whether something is there that the descriptor does not tell.
    [[nodiscard]] bool has_news();
    /// Something was done to the socket that may have silenced its descriptor.
    void unheard() noexcept { unheard_ = true; }
    [[nodiscard]] int fd() const { return socket_.get(zmq::sockopt::fd); }
    [[nodiscard]] int monitor_fd() const { return monitor_.get(zmq::sockopt::fd); }

    /// Calls `event(what, value)` for everything that the monitor has told: `ZMQ_EVENT_...`, and a
    /// descriptor or an error number.
    template <class Event>
    void read_events(Event&& event) {
        for (zmq::message_t told; monitor_.recv(told, zmq::recv_flags::dontwait);) {
            std::uint16_t what = 0;
            std::int32_t value = -1;
            if (told.size() >= sizeof what + sizeof value) {
                const auto* data = static_cast<const char*>(told.data());
                std::memcpy(&what, data, sizeof what);
                std::memcpy(&value, data + sizeof what, sizeof value);
            }
            zmq::message_t endpoint;
            static_cast<void>(monitor_.recv(endpoint, zmq::recv_flags::dontwait));
            event(what, value);
        }
    }

    void close();

private:
    zmq::context_t context_;
    zmq::socket_t socket_;
    zmq::socket_t monitor_;
    bool unheard_ = true;  // the socket may hold what its descriptor does not tell
};

}  // namespace dunlin::runtime
