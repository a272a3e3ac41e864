// SPDX-License-Identifier: Apache-2.0
//
// Puts keys on ZeroMQ sockets, before they bind or connect.
//
// CURVE encrypts and authenticates every byte of a connection, both ways; who does not hold the
// secret key of the public key that it shows does not get past the handshake. Whose public keys
// are let in is decided by the ZAP handler of the context (in its domain `zap_domain`), and without
// a handler everybody's are. For the thread that owns the socket.
#pragma once

#include "security/client_keys.hpp"
#include "security/key_file.hpp"

#include <zmq.hpp>

#include <string_view>

namespace dunlin::security {

/// The domain under which a node's sockets ask its ZAP handler.
inline constexpr std::string_view zap_domain = "dunlin";

/// The socket takes only connections that know `own`'s public key. Throws zmq::error_t.
void serve_with_curve(zmq::socket_ref socket, const key_pair& own);
/// The socket shows a key pair to a node that must hold the secret key of the public key named
/// beside it. Throws zmq::error_t.
void connect_with_curve(zmq::socket_ref socket, const client_keys& keys);

}  // namespace dunlin::security
