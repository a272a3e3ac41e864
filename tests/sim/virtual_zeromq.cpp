// SPDX-License-Identifier: Apache-2.0
//
// Stands in for the part of libzmq that nodes and clients use: the same functions over
// `virtual_sockets`, so that lanes, links and clients run in the simulator as they are. And for the
// steady clock, so that what reads it reads virtual time.
//
// A program's own definitions come before those of its shared libraries. Outside of a simulation
// the clock is the machine's, and there are no sockets.
#include "tests/sim/virtual_sockets.hpp"

#include <zmq.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

namespace dunlin::sim {

namespace {

thread_local const virtual_time* current_time = nullptr;

}  // namespace

// What is needed of this file is found by it being needed.
void use_virtual_zeromq() {}

virtual_steady_clock::virtual_steady_clock(const virtual_time& time) noexcept {
    current_time = &time;
}
virtual_steady_clock::~virtual_steady_clock() { current_time = nullptr; }

}  // namespace dunlin::sim

std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
    using dunlin::sim::current_time;
    using dunlin::sim::virtual_steady_clock;
    if (current_time != nullptr)
        return time_point(nanoseconds(current_time->now_ns() + virtual_steady_clock::start_ns));
    ::timespec real{};
    ::clock_gettime(CLOCK_MONOTONIC, &real);
    return time_point(seconds(real.tv_sec) + nanoseconds(real.tv_nsec));
}

namespace {

using dunlin::sim::socket_part;
using dunlin::sim::virtual_socket;
using dunlin::sim::virtual_sockets;

/// What is in the opaque bytes of a message.
struct message {
    std::byte* data;
    std::size_t size;
    zmq_free_fn* release;  // null: our own memory
    void* hint;
    std::int32_t fd;
    bool more;
};
static_assert(sizeof(message) <= sizeof(zmq_msg_t) && alignof(message) <= alignof(zmq_msg_t));

message& of(zmq_msg_t* opaque) { return *std::launder(reinterpret_cast<message*>(opaque)); }
const message& of(const zmq_msg_t* opaque) {
    return *std::launder(reinterpret_cast<const message*>(opaque));
}
virtual_socket& socket_of(void* opaque) { return *static_cast<virtual_socket*>(opaque); }

/// Each is one allocation, whose address tells contexts apart.
struct context {};

int fail(int why) {
    errno = why;
    return -1;
}

void put(message& into, const std::byte* from, std::size_t size) {
    into = {};
    into.data = static_cast<std::byte*>(std::malloc(size == 0 ? 1 : size));
    if (into.data == nullptr) throw std::bad_alloc();
    into.size = size;
    if (size != 0 && from != nullptr) std::memcpy(into.data, from, size);
}

}  // namespace

// -- contexts -------------------------------------------------------------------------------------

void* zmq_ctx_new() { return new context; }
int zmq_ctx_term(void* which) {
    delete static_cast<context*>(which);
    return 0;
}
int zmq_ctx_shutdown(void* /*which*/) { return 0; }
int zmq_ctx_set(void* /*which*/, int /*option*/, int /*value*/) { return 0; }
int zmq_ctx_get(void* /*which*/, int /*option*/) { return 0; }

// -- messages -------------------------------------------------------------------------------------

int zmq_msg_init(zmq_msg_t* which) {
    new (which) message{};
    return 0;
}
int zmq_msg_init_size(zmq_msg_t* which, size_t size) {
    put(*new (which) message{}, nullptr, size);
    return 0;
}
int zmq_msg_init_data(zmq_msg_t* which, void* data, size_t size, zmq_free_fn* release, void* hint) {
    new (which) message{static_cast<std::byte*>(data), size, release, hint, 0, false};
    return 0;
}
int zmq_msg_close(zmq_msg_t* which) {
    auto& closed = of(which);
    if (closed.release != nullptr)
        closed.release(closed.data, closed.hint);
    else
        std::free(closed.data);
    closed = {};
    return 0;
}
int zmq_msg_move(zmq_msg_t* to, zmq_msg_t* from) {
    zmq_msg_close(to);
    of(to) = std::exchange(of(from), message{});
    return 0;
}
int zmq_msg_copy(zmq_msg_t* to, zmq_msg_t* from) {
    zmq_msg_close(to);
    put(of(to), of(from).data, of(from).size);
    return 0;
}
void* zmq_msg_data(zmq_msg_t* which) { return of(which).data; }
size_t zmq_msg_size(const zmq_msg_t* which) { return of(which).size; }
int zmq_msg_more(const zmq_msg_t* which) { return of(which).more ? 1 : 0; }
int zmq_msg_get(const zmq_msg_t* which, int property) {
    if (property == ZMQ_SRCFD) return of(which).fd;
    return property == ZMQ_MORE ? zmq_msg_more(which) : fail(EINVAL);
}
const char* zmq_msg_gets(const zmq_msg_t* /*which*/, const char* /*property*/) { return nullptr; }

int zmq_msg_send(zmq_msg_t* which, void* on, int flags) {
    auto* world = virtual_sockets::current();
    const auto* data = of(which).data;
    const int why = world == nullptr ? ENOTSOCK
                                     : world->send(socket_of(on), {data, data + of(which).size},
                                                   (flags & ZMQ_SNDMORE) != 0);
    if (why != 0) return fail(why);
    const auto size = of(which).size;
    zmq_msg_close(which);
    return static_cast<int>(size);
}

int zmq_msg_recv(zmq_msg_t* into, void* on, int /*flags*/) {
    auto& inbox = socket_of(on).inbox;
    if (inbox.empty()) return fail(EAGAIN);
    const socket_part part = std::move(inbox.front());
    inbox.pop_front();
    zmq_msg_close(into);
    auto& filled = of(into);
    put(filled, part.data.data(), part.data.size());
    filled.more = part.more;
    filled.fd = static_cast<std::int32_t>(part.from);
    return static_cast<int>(part.data.size());
}

// -- sockets --------------------------------------------------------------------------------------

void* zmq_socket(void* in, int type) {
    auto* world = virtual_sockets::current();
    if (world == nullptr || world->running == nullptr) {
        errno = ENOTSUP;
        return nullptr;
    }
    using kind = virtual_socket::type;
    const auto what = type == ZMQ_ROUTER   ? kind::router
                      : type == ZMQ_DEALER ? kind::dealer
                                           : kind::watcher;
    return world->make(what, in);
}
int zmq_close(void* which) {
    if (auto* world = virtual_sockets::current()) world->close(socket_of(which));
    return 0;
}
int zmq_bind(void* which, const char* endpoint) {
    return virtual_sockets::current()->listen(socket_of(which), endpoint) ? 0 : fail(EADDRINUSE);
}
int zmq_connect(void* which, const char* endpoint) {
    auto& socket = socket_of(which);
    auto* world = virtual_sockets::current();
    if (socket.what == virtual_socket::type::watcher)
        world->watch(socket, endpoint);
    else
        world->connect(socket, endpoint);
    return 0;
}
int zmq_socket_monitor(void* which, const char* at, int events) {
    auto& socket = socket_of(which);
    socket.events_at = at == nullptr ? "" : at;
    socket.events = at == nullptr ? 0 : events;
    if (at == nullptr) socket.watcher = nullptr;
    return 0;
}
int zmq_setsockopt(void* /*which*/, int /*option*/, const void* /*value*/, size_t /*size*/) {
    return 0;
}
int zmq_getsockopt(void* which, int option, void* value, size_t* size) {
    const auto& socket = socket_of(which);
    if (option == ZMQ_LAST_ENDPOINT) {
        if (*size <= socket.listens_at.size()) return fail(EINVAL);
        *size = socket.listens_at.size() + 1;
        std::memcpy(value, socket.listens_at.c_str(), *size);
        return 0;
    }
    const int number =
        option == ZMQ_EVENTS ? (socket.inbox.empty() ? ZMQ_POLLOUT : ZMQ_POLLIN | ZMQ_POLLOUT) : 0;
    if (*size < sizeof number) return fail(EINVAL);
    *size = sizeof number;
    std::memcpy(value, &number, sizeof number);
    return 0;
}
