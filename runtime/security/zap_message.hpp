// SPDX-License-Identifier: Apache-2.0
//
// The messages by which ZeroMQ asks whether a connection may be made, and is told (ZAP, RFC 27).
//
// A question comes from ZeroMQ itself, on behalf of a handshake with anybody, so what it holds is
// read as mistrustfully as all that arrives. Pure functions over the parts of a message.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

/// Where ZeroMQ asks, in each of its contexts.
inline constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";

struct zap_question {
    std::string request_id;
    std::string address;     // of the peer
    std::string public_key;  // Z85
};

enum class zap_status : std::uint16_t { welcome = 200, refused = 400, broken = 500 };

struct zap_reading {
    zap_question question;     // only its request_id when there is a problem
    std::string_view problem;  // empty: none
};

/// `parts`: a question without what the socket put in front of it.
[[nodiscard]] zap_reading read_zap(std::span<const std::string_view> parts);

/// The parts of the answer. `user_id` comes with every message of the connection from then on.
[[nodiscard]] std::vector<std::string> write_zap(const std::string& request_id, zap_status status,
                                                 std::string_view text, std::string_view user_id);

}  // namespace dunlin::runtime
