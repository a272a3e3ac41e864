// SPDX-License-Identifier: Apache-2.0
#include "security/curve.hpp"

#include <string>

namespace dunlin::security {
namespace {

void set(zmq::socket_ref socket, int option, std::string_view value) {
    if (zmq_setsockopt(socket.handle(), option, value.data(), value.size()) != 0)
        throw zmq::error_t();
}

}  // namespace

void serve_with_curve(zmq::socket_ref socket, const key_pair& own) {
    const int on = 1;
    if (zmq_setsockopt(socket.handle(), ZMQ_CURVE_SERVER, &on, sizeof on) != 0)
        throw zmq::error_t();
    set(socket, ZMQ_CURVE_SECRETKEY, own.secret_key.reveal());
    set(socket, ZMQ_ZAP_DOMAIN, zap_domain);
}

void connect_with_curve(zmq::socket_ref socket, const client_keys& keys) {
    set(socket, ZMQ_CURVE_SERVERKEY, keys.node_public_key);
    set(socket, ZMQ_CURVE_PUBLICKEY, keys.own.public_key);
    set(socket, ZMQ_CURVE_SECRETKEY, keys.own.secret_key.reveal());
}

}  // namespace dunlin::security
