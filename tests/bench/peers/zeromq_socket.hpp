// SPDX-License-Identifier: Apache-2.0
//
// Sockets as all programs of bare ZeroMQ here have them: no high-water marks, nothing lingers.
#pragma once

#include <zmq.hpp>

#include <string>

namespace workload {

inline zmq::socket_t make_socket(zmq::context_t& context, zmq::socket_type type) {
    zmq::socket_t socket{context, type};
    socket.set(zmq::sockopt::sndhwm, 0);
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.set(zmq::sockopt::linger, 0);
    return socket;
}

/// Of the endpoint that the socket was bound to last.
inline unsigned port_of(const zmq::socket_t& socket) {
    auto endpoint = socket.get(zmq::sockopt::last_endpoint);
    return static_cast<unsigned>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
}

}  // namespace workload
