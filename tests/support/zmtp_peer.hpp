// SPDX-License-Identifier: Apache-2.0
//
// A ZeroMQ peer of a node that speaks ZMTP 3.0 with the NULL mechanism by hand, over a plain
// socket.
//
// libzmq keeps its users from what only an attacker does: parts without an end, commands in the
// middle of messages, routing ids that are not theirs to choose, connections that are cut where
// they hurt. This class does as it is told. It blocks; what it waits for has a limit. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::testing {

class zmtp_peer {
public:
    enum class stage : std::uint8_t {
        connected,  // TCP only
        ready,      // ZMTP's handshake is done: the node's ROUTER has a peer
    };

    /// `endpoint` as nodes tell it, with a numeric IPv4 address. `routing_id` is what the peer
    /// claims to be; empty: the node's ROUTER makes one up.
    explicit zmtp_peer(const std::string& endpoint, std::string_view routing_id = {},
                       stage until = stage::ready);
    zmtp_peer(zmtp_peer&& other) noexcept;
    zmtp_peer& operator=(zmtp_peer&&) = delete;
    ~zmtp_peer();

    // What it sends. @returns false when the node has ended the connection, or takes no more for
    // the time given.
    bool send_frame(std::string_view payload) { return send_raw(frame_of(payload)); }
    bool send_raw(std::string_view octets, std::chrono::milliseconds within = default_wait);

    /// A message's or a command's bytes on the wire.
    static constexpr std::uint8_t flag_more = 1;
    static constexpr std::uint8_t flag_command = 4;
    [[nodiscard]] static std::string frame_of(std::string_view payload, std::uint8_t flags = 0);
    [[nodiscard]] static std::string ping_command();

    /// The next message (not a command). Nothing: the connection has ended, or the time has passed.
    [[nodiscard]] std::optional<std::string> receive(
        std::chrono::milliseconds within = default_wait);
    /// Reads until the node ends the connection. @returns whether it did so in time.
    [[nodiscard]] bool ended(std::chrono::milliseconds within = default_wait);

    /// Closes as a process that dies with unread data does: with a reset.
    void reset();
    /// Closes in peace.
    void close();

    static constexpr std::chrono::milliseconds default_wait{20'000};

private:
    [[nodiscard]] bool read_exactly(std::size_t octets, std::chrono::steady_clock::time_point end);
    [[nodiscard]] bool wait_for(short events, std::chrono::steady_clock::time_point end) const;
    void shake_hands(std::string_view routing_id);

    int fd_ = -1;
    std::string read_;  // what `read_exactly` has read
};

}  // namespace dunlin::testing
