// SPDX-License-Identifier: Apache-2.0
//
// Bare ZeroMQ, the yardstick: DEALER to ROUTER, one message a call, one application thread and one
// I/O thread at either end, no high-water mark, receives that block. What it costs is what any
// program built on ZeroMQ pays before it has done anything of its own.
#include "workload.hpp"
#include "zeromq_socket.hpp"

namespace {

// Only the first receive of a message can come back empty-handed, and not when it blocks.
void receive(zmq::socket_t& socket, zmq::message_t& part) {
    if (!socket.recv(part, zmq::recv_flags::none))
        workload::give_up("a blocking receive returned nothing");
}

[[noreturn]] void serve(std::uint16_t port) {
    zmq::context_t context{1};
    auto socket = workload::make_socket(context, zmq::socket_type::router);
    socket.bind("tcp://127.0.0.1:" + (port ? std::to_string(port) : std::string{"*"}));
    workload::announce_port(workload::port_of(socket));
    // As many parts as came: behind a relay the route back is one longer.
    zmq::message_t part;
    for (;;) {
        receive(socket, part);
        const auto flags = part.more() ? zmq::send_flags::sndmore : zmq::send_flags::none;
        socket.send(part, flags);
    }
}

void run_client(const workload::options& chosen) {
    zmq::context_t context{1};
    auto socket = workload::make_socket(context, zmq::socket_type::dealer);
    socket.connect("tcp://127.0.0.1:" + std::to_string(chosen.port));
    auto send = [&](const std::string& payload) {
        socket.send(zmq::buffer(payload), zmq::send_flags::none);
    };

    workload::closed_loop loop{chosen};
    zmq::message_t reply;
    send(loop.probe());
    receive(socket, reply);

    loop.open(send);
    while (!loop.finished()) {
        receive(socket, reply);
        loop.on_reply(reply.data(), reply.size(), send);
    }
    loop.print("zeromq");
}

void print_version() {
    auto [major, minor, patch] = zmq::version();
    std::printf("libzmq %d.%d.%d\n", major, minor, patch);
}

}  // namespace

int main(int argc, char** argv) {
    auto chosen = workload::parse_options(argc, argv);
    switch (chosen.as) {
        case workload::role::server: serve(chosen.port);
        case workload::role::client: run_client(chosen); break;
        case workload::role::version: print_version(); break;
    }
}
