// SPDX-License-Identifier: Apache-2.0
//
// The way out of a lane without the lane: what tests of its single parts have in common.
//
// Peers are sockets of the same context, so no thread is between; the clock stands until the test
// moves it. Made by each test; one thread.
#pragma once

#include "runtime/lane/gathering.hpp"
#include "runtime/lane/outlet.hpp"
#include "tests/support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace dunlin::runtime {

inline constexpr std::int64_t second_ns = 1'000'000'000;

struct outlet_parts {
    std::int64_t now_ns = 100 * second_ns;
    router_socket socket{{.frame_bytes_accepted = 1 << 24}};
    memory_budget budget{1 << 20};
    reply_budget replies{std::size_t{1} << 30};
    connection_table connections{replies};
    load_reporter loads{now_ns};
    lane_counters counters;
    outlet out;

    explicit outlet_parts(std::size_t backlog_bytes_max = 1 << 20)
        : out(socket, connections, replies, loads, counters, now_ns, {"n1", backlog_bytes_max}) {}
};

/// A call's frame, for what gathers out of it.
struct one_frame {
    explicit one_frame(memory_budget& in) : memory(*new budgeted_frame(zmq::message_t(1), in)) {}
    one_frame(const one_frame&) = delete;
    one_frame& operator=(const one_frame&) = delete;
    ~one_frame() { memory.release(); }

    budgeted_frame& memory;
    gathering into{memory};
};

/// A socket that is connected to a router. @param name with which it is known there; empty: any
[[nodiscard]] inline zmq::socket_t dial(router_socket& router, const std::string& endpoint,
                                        const std::string& name = {}) {
    zmq::socket_t made(router.context(), zmq::socket_type::dealer);
    made.set(zmq::sockopt::linger, 0);
    if (!name.empty()) made.set(zmq::sockopt::routing_id, name);
    made.connect(endpoint);
    return made;
}
/// The same, and says something, with which ZeroMQ hears of it.
[[nodiscard]] inline zmq::socket_t greet(router_socket& router, const std::string& endpoint,
                                         const std::string& name) {
    auto made = dial(router, endpoint, name);
    made.send(zmq::str_buffer("?"), zmq::send_flags::none);
    router_socket::arrival first;
    REQUIRE(router.receive(first));
    return made;
}

[[nodiscard]] inline bytes_view view_of(const zmq::message_t& frame) {
    return {static_cast<const std::byte*>(frame.data()), frame.size()};
}
/// Calls `visit(reader)` at each envelope.
template <class Visit>
void for_each_envelope(bytes_view frame, Visit&& visit) {
    wire::frame_reader reader(frame);
    while (reader.next() == wire::read_status::envelope) visit(reader);
}
/// The same for what a peer is told with its next frame, which is taken.
template <class Visit>
void for_each_told(peer& who, Visit&& visit) {
    for_each_envelope(who.out.view(), visit);
    who.out.clear();
}

}  // namespace dunlin::runtime
