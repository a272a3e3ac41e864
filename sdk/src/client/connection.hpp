// SPDX-License-Identifier: Apache-2.0
//
// One connection to one lane of a node: a DEALER socket and the monitor that watches it.
//
// ZeroMQ would reconnect behind our back, and to the node the socket that comes back is a
// stranger that never gets the answers. So a connection lives once: when the transport is lost
// it says why, and a new one is made. Heartbeats let a half-open one end too.
//
// Belongs to the thread that drives the sockets; what the channel has is guarded by the driver's
// mutex.
#pragma once

#include "client/channel.hpp"
#include "client/tcp_progress.hpp"
#include "security/client_keys.hpp"
#include "wire/envelope.hpp"

#include <dunlin/bytes.hpp>

#include <zmq.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::link {

/// A received message; the payloads in it share it.
class received_frame {
public:
    received_frame() noexcept { zmq_msg_init(&message_); }
    received_frame(const received_frame&) = delete;
    received_frame& operator=(const received_frame&) = delete;
    ~received_frame() { zmq_msg_close(&message_); }

    [[nodiscard]] bytes_view view() noexcept {
        return {static_cast<const std::byte*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
    }
    [[nodiscard]] bool one_part() const noexcept { return zmq_msg_more(&message_) == 0; }
    [[nodiscard]] zmq_msg_t* message() noexcept { return &message_; }

private:
    zmq_msg_t message_;
};

class connection : public channel {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct settings {
        std::string client_name;
        std::string cluster;                               // the only one to talk to; empty: any
        std::uint64_t features = wire::features::cluster;  // asked for in the hello
        wire::peer_role role = wire::peer_role::client;
        std::uint64_t instance = 0;                              // of a node
        std::shared_ptr<const security::client_keys> keys = {};  // null: nothing is encrypted
        std::chrono::milliseconds connect_timeout{2000};         // until something accepts
        std::chrono::milliseconds greet_timeout{5000};           // until the welcome
        std::chrono::milliseconds heartbeat_interval{2000};
        std::chrono::milliseconds heartbeat_timeout{6000};
        std::chrono::nanoseconds silence_max{0};  // of a node with calls; 0: as above
    };

    /// Starts to connect and queues a hello. Throws zmq::error_t when there are no more sockets.
    /// @param address where the endpoint is, if that names its host: ZeroMQ is to look nothing up.
    connection(zmq::context_t& context, std::uint32_t lane, std::string endpoint,
               const settings& how, time_point at, const std::string& address = {});
    ~connection();

    /// When to give up waiting for the welcome, or for anyone to accept.
    [[nodiscard]] time_point greet_by() const noexcept {
        return connected_ ? greet_by_ : connect_by_;
    }
    [[nodiscard]] int socket_fd() const noexcept { return socket_fd_; }
    [[nodiscard]] int monitor_fd() const noexcept { return monitor_fd_; }

    /// Sends one frame. Small ones are copied and keep their memory, large ones hand it over.
    /// @returns false if it was not sent; then the frame is as it was.
    bool send(wire::frame_buffer& frame);
    /// The next frame that has arrived, or null.
    [[nodiscard]] std::shared_ptr<received_frame> receive();
    /// Whether a message has arrived. After sending, the descriptor alone does not tell: sending
    /// may have handled ZeroMQ's signal.
    [[nodiscard]] bool readable() { return (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }
    /// Looks for news about the transport.
    void read_events();
    /// Says farewell to a node that knows us, and gives the message a moment to leave.
    void say_bye();

    /// What the other end had to prove; empty: nothing.
    [[nodiscard]] std::string_view node_public_key() const noexcept {
        return keys_ == nullptr ? std::string_view() : keys_->node_public_key;
    }
    /// Whether the problem is one of keys, which another attempt meets again until someone has
    /// changed them on this side or that.
    [[nodiscard]] bool keys_refused() const noexcept { return keys_refused_; }
    /// Something accepted the connection and ended it before it had answered: perhaps for the keys.
    [[nodiscard]] bool failed_in_handshake() const noexcept { return failed_in_handshake_; }
    /// Gives up waiting for the welcome, unless news show that there is time left.
    void give_up_greeting(time_point at);
    /// Whether bytes have moved since the last call; see `tcp_progress`.
    [[nodiscard]] bool moved() noexcept { return progress_.moved(); }

private:
    void give_up_closed();
    void handshake_failed(std::uint16_t event, std::uint32_t value);

    // Below this, copying is cheaper than what ZeroMQ needs to take memory over.
    static constexpr std::size_t copy_bytes_max = 8u << 10;

    time_point connect_by_;
    time_point greet_by_;
    zmq::socket_t socket_;
    zmq::socket_t monitor_;
    int socket_fd_ = -1;
    int monitor_fd_ = -1;
    tcp_progress progress_;
    bool connected_ = false;
    bool keys_refused_ = false;
    bool failed_in_handshake_ = false;
    std::shared_ptr<const security::client_keys> keys_;
    std::string_view keys_wanted_;  // what to give when there are none
    std::shared_ptr<received_frame> next_;
};

}  // namespace dunlin::link
