// SPDX-License-Identifier: Apache-2.0
//
// A second hop for bare ZeroMQ: the queue device of its guide, zmq_proxy between a ROUTER for
// clients and a DEALER to the echo server. It decides nothing and decodes nothing, so what it adds
// to a call is the least that any program pays that stands between two others.
//
//     zeromq_relay --port PORT    of the server; prints the port it listens on itself
#include "workload.hpp"
#include "zeromq_socket.hpp"

int main(int argc, char** argv) {
    // A client's options, because it needs the port of its server as a client does.
    auto chosen = workload::parse_options(argc, argv);
    if (chosen.as != workload::role::client)
        workload::give_up("a relay takes the --port of its server, and nothing else");
    zmq::context_t context{1};
    auto clients = workload::make_socket(context, zmq::socket_type::router);
    auto server = workload::make_socket(context, zmq::socket_type::dealer);
    server.connect("tcp://127.0.0.1:" + std::to_string(chosen.port));
    clients.bind("tcp://127.0.0.1:*");
    workload::announce_port(workload::port_of(clients));
    zmq::proxy(clients, server);
}
