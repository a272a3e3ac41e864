// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/router_socket.hpp"

#include "runtime/lane/peer.hpp"
#include "runtime/security/node_security.hpp"

#include <zmq.h>

#include <cerrno>
#include <utility>

namespace dunlin::runtime {

namespace {

/// How long what was sent last may take to leave when the socket is closed.
constexpr int linger_ms = 1000;
/// Frames that ZeroMQ holds for one peer. It counts frames, which may be of any size.
constexpr int unsent_frames_max = 1000;

/// ZeroMQ binds to addresses and interfaces, not to names; this one everybody knows.
std::string numeric(const std::string& endpoint) {
    constexpr std::string_view name = "tcp://localhost:";
    if (!endpoint.starts_with(name)) return endpoint;
    return "tcp://127.0.0.1:" + endpoint.substr(name.size());
}

error cannot_listen(const std::string& endpoint, const zmq::error_t& why) {
    const std::string at = "cannot listen on " + endpoint + ": ";
    switch (why.num()) {
        case EADDRINUSE:
            return {errc::unavailable,
                    at + "the port is in use; stop the other program or choose another port with "
                         "--listen (port 0 takes a free one)"};
        case EADDRNOTAVAIL:
        case ENODEV:
            return {errc::invalid_argument,
                    at + "this machine has no such address; 127.0.0.1 is loopback, * is every "
                         "interface"};
        case EACCES:
            return {errc::permission_denied,
                    at + "not permitted; ports below 1024 need privileges"};
        default:
            return {errc::invalid_argument,
                    at + why.what() + "; an endpoint looks like tcp://127.0.0.1:7440"};
    }
}

}  // namespace

router_socket::router_socket(const options& how)
    : context_(1, how.sockets_max),
      socket_(context_, zmq::socket_type::router),
      monitor_(context_, zmq::socket_type::pair) {
    socket_.set(zmq::sockopt::router_mandatory, true);
    socket_.set(zmq::sockopt::linger, linger_ms);
    socket_.set(zmq::sockopt::sndhwm, unsent_frames_max);
    // No bound on what is received, and no heartbeat of ZeroMQ's: libzmq up to 4.3.5 asserts that
    // an engine whose input the bound has stopped, and whose connection then ends, writes nothing
    // more; a heartbeat does, and so does the answer to one of the peer's (stream_engine_base.cpp,
    // out_event). The kernel looks after peers that are gone, and a bound of ours after the rest.
    socket_.set(zmq::sockopt::rcvhwm, 0);
    socket_.set(zmq::sockopt::tcp_keepalive, 1);
    socket_.set(zmq::sockopt::tcp_keepalive_idle, peer_limits::keepalive_idle_s);
    socket_.set(zmq::sockopt::tcp_keepalive_intvl, peer_limits::keepalive_interval_s);
    socket_.set(zmq::sockopt::tcp_keepalive_cnt, peer_limits::keepalive_probes);
    socket_.set(zmq::sockopt::tcp_maxrt, peer_limits::unacknowledged_ms_max);
    socket_.set(zmq::sockopt::handshake_ivl, peer_limits::handshake_ms_max);
    socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(how.frame_bytes_accepted));
    int watched = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED;
    if (how.security != nullptr) {
        security::serve_with_curve(socket_, how.security->keys->own);
        watched |= ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    }
    const char* const events = "inproc://lane-events";
    if (zmq_socket_monitor(socket_.handle(), events, watched) != 0) throw zmq::error_t();
    monitor_.connect(events);
    // Edge-triggered: its descriptor tells only of what comes after a look that found nothing.
    zmq::message_t nothing;
    static_cast<void>(monitor_.recv(nothing, zmq::recv_flags::dontwait));
}

result<std::string> router_socket::bind(const std::string& endpoint) {
    try {
        socket_.set(zmq::sockopt::ipv6, endpoint.find('[') != std::string::npos);
        socket_.bind(numeric(endpoint));
        return socket_.get(zmq::sockopt::last_endpoint);
    } catch (const zmq::error_t& why) {
        return cannot_listen(endpoint, why);
    }
}

bool router_socket::receive(arrival& into) {
    constexpr auto now = zmq::recv_flags::dontwait;
    unheard_ = socket_.recv(into.routing_id, now).has_value();
    if (!unheard_) return false;
    // The parts of a message arrive together, so this one is here.
    if (!socket_.recv(into.frame, now)) return false;
    into.bytes = into.frame.size();
    while (into.frame.more()) {
        into.single = false;
        if (!socket_.recv(into.frame, now)) break;
        into.bytes += into.frame.size();
    }
    return true;
}

router_socket::sent router_socket::try_send(std::string_view routing_id, zmq::message_t& frame) {
    unheard_ = true;
    zmq::message_t address(routing_id.data(), routing_id.size());
    constexpr int first_part = ZMQ_SNDMORE | ZMQ_DONTWAIT;
    if (zmq_msg_send(address.handle(), socket_.handle(), first_part) < 0)
        return errno == EAGAIN ? sent::full : sent::unreachable;
    // Once the first part is taken, the second is as well.
    if (zmq_msg_send(frame.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) throw zmq::error_t();
    return sent::taken;
}

// Asking for the events also handles what ZeroMQ's own threads have for the socket; only then does
// its descriptor become readable for anything new. A look that found nothing has done that, but
// sending may do it, too, and then the descriptor keeps silent about what has arrived.
bool router_socket::has_news() {
    if (!std::exchange(unheard_, false)) return false;
    return (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
}

void router_socket::close() {
    // In this order: a monitor whose reader is gone could block ZeroMQ's thread.
    zmq_socket_monitor(socket_.handle(), nullptr, 0);
    monitor_.close();
    socket_.close();
}

}  // namespace dunlin::runtime
