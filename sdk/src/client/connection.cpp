// SPDX-License-Identifier: Apache-2.0
#include "client/connection.hpp"

#include "security/curve.hpp"
#include "support/block_cache.hpp"
#include "support/tsan.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dunlin::link {
namespace {

constexpr int bye_linger_ms = 200;
constexpr int watched_events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

void free_frame(void* memory, void*) {
    support::tsan_acquire(memory);
    support::block_free(memory);
}

std::string monitor_endpoint() {
    static std::atomic<std::uint64_t> count{0};
    return "inproc://dunlin-monitor-" + std::to_string(count.fetch_add(1));
}

// What is to be given, and how it is called.
constexpr std::string_view keys_of_clients =
    "key_file and node_key_file, or --client-key and --node-key";
constexpr std::string_view keys_of_nodes = "the key of the cluster's nodes, --key";

// What a node's ZAP handler answers about keys that it does not let in.
constexpr std::uint32_t zap_denied = 400;

int milliseconds(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

}  // namespace

connection::connection(zmq::context_t& context, std::uint32_t lane, std::string endpoint,
                       const settings& how, time_point at, const std::string& address)
    : channel(lane, std::move(endpoint), {.silence_max_ns = how.silence_max.count()}),
      connect_by_(at + std::min(how.connect_timeout, how.greet_timeout)),
      greet_by_(at + how.greet_timeout),
      socket_(context, zmq::socket_type::dealer),
      monitor_(context, zmq::socket_type::pair),
      keys_(how.keys),
      keys_wanted_(how.role == wire::peer_role::node ? keys_of_nodes : keys_of_clients) {
    using namespace zmq;
    socket_.set(sockopt::linger, 0);
    // What bounds the queues is the number of calls in flight.
    socket_.set(sockopt::sndhwm, 0);
    socket_.set(sockopt::rcvhwm, 0);
    socket_.set(sockopt::reconnect_ivl, -1);
    // Later than our own, which know what to say.
    constexpr std::chrono::milliseconds later{1000};
    socket_.set(sockopt::connect_timeout, milliseconds(how.connect_timeout + later));
    socket_.set(sockopt::handshake_ivl, milliseconds(how.greet_timeout + later));
    socket_.set(sockopt::heartbeat_ivl, milliseconds(how.heartbeat_interval));
    socket_.set(sockopt::heartbeat_timeout, milliseconds(how.heartbeat_timeout));
    socket_.set(sockopt::heartbeat_ttl, milliseconds(how.heartbeat_timeout));
    const auto& where = address.empty() ? this->endpoint() : address;
    if (where.find('[') != std::string::npos) socket_.set(sockopt::ipv6, true);
    if (keys_) security::connect_with_curve(socket_, *keys_);

    const auto events_at = monitor_endpoint();
    if (zmq_socket_monitor(socket_.handle(), events_at.c_str(), watched_events) != 0) {
        throw zmq::error_t();
    }
    monitor_.set(sockopt::linger, 0);
    monitor_.connect(events_at);
    socket_fd_ = socket_.get(sockopt::fd);
    monitor_fd_ = monitor_.get(sockopt::fd);
    // ZeroMQ signals a descriptor only for what arrives after a look that found nothing.
    read_events();

    if (zmq_connect(socket_.handle(), where.c_str()) != 0) {
        give_up(zmq_strerror(zmq_errno()));
        return;
    }
    wire::frame_buffer frame;
    wire::hello hello;
    hello.features = how.features;
    hello.role = how.role;
    hello.name = how.client_name;
    hello.cluster = how.cluster;
    hello.instance = how.instance;
    append(frame, hello);
    append(frame, wire::sent_at(at));
    send(frame);
}

connection::~connection() {
    // In this order: a monitor whose reader is gone could block ZeroMQ's thread.
    zmq_socket_monitor(socket_.handle(), nullptr, 0);
    monitor_.close();
    socket_.close();
}

void connection::give_up_greeting(time_point at) {
    read_events();  // it may have failed, or been accepted, only now
    if (at < greet_by()) return;
    give_up(connected_ ? "something listens there, but no node has answered"
                       : "no answer from that host yet; a firewall may drop what is sent to it");
}

void connection::give_up_closed() {
    give_up(now == phase::greeting ? "the connection was closed before a node answered; perhaps "
                                     "something else listens there"
                                   : "the connection was closed");
}

bool connection::send(wire::frame_buffer& frame) {
    if (!problem().empty()) return false;
    const bool copied = frame.size <= copy_bytes_max;
    zmq_msg_t message;
    if (copied) {
        if (zmq_msg_init_size(&message, frame.size) != 0) {
            give_up("out of memory");
            return false;
        }
        std::memcpy(zmq_msg_data(&message), frame.data, frame.size);
    } else {
        const auto size = frame.size;
        auto* memory = frame.release();
        support::tsan_release(memory);
        if (zmq_msg_init_data(&message, memory, size, &free_frame, nullptr) != 0) {
            support::block_free(memory);
            give_up("out of memory");
            return true;  // it is gone, which is as good as sent
        }
    }
    while (zmq_msg_send(&message, socket_.handle(), ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() == EINTR) continue;
        // Queues are unbounded, so there is no pipe: the transport has gone, and has said why.
        read_events();
        give_up_closed();
        if (!copied) frame.append(zmq_msg_data(&message), zmq_msg_size(&message));
        zmq_msg_close(&message);
        return false;
    }
    return true;
}

std::shared_ptr<received_frame> connection::receive() {
    if (!reads()) return nullptr;
    if (!next_) next_ = std::make_shared<received_frame>();
    while (zmq_msg_recv(next_->message(), socket_.handle(), ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() == EINTR) continue;
        if (zmq_errno() != EAGAIN) give_up(zmq_strerror(zmq_errno()));
        return nullptr;
    }
    return std::exchange(next_, nullptr);
}

void connection::read_events() {
    zmq::message_t event;
    zmq::message_t address;
    const auto next = [this](zmq::message_t& part) {
        for (;;) {
            if (zmq_msg_recv(part.handle(), monitor_.handle(), ZMQ_DONTWAIT) >= 0) return true;
            if (zmq_errno() != EINTR) return false;  // a signal of the program, on its own thread
        }
    };
    while (next(event)) {
        if (!event.more() || !next(address)) continue;
        std::uint16_t what = 0;
        std::uint32_t value = 0;
        if (event.size() < sizeof what + sizeof value) continue;
        std::memcpy(&what, event.data(), sizeof what);
        std::memcpy(&value, static_cast<const std::byte*>(event.data()) + sizeof what,
                    sizeof value);
        switch (what) {
            case ZMQ_EVENT_CONNECTED:
                connected_ = true;
                progress_.watch(static_cast<int>(value));
                break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: handshake_failed(what, value); break;
            case ZMQ_EVENT_CLOSED:
                if (!connected_) give_up("connection refused, or no such host");
                break;
            case ZMQ_EVENT_DISCONNECTED:
                progress_.watch(-1);
                failed_in_handshake_ =
                    failed_in_handshake_ || (now == phase::greeting && problem().empty());
                give_up_closed();
                break;
            default: break;
        }
    }
}

// ZeroMQ often cannot tell why: the other end just closes the connection when it wants keys and
// gets none, or cannot open what was encrypted for another node's key.
void connection::handshake_failed(std::uint16_t event, std::uint32_t value) {
    const bool one_sided = event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
                           value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
    const bool denied = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && value == zap_denied;
    keys_refused_ = problem().empty() && (one_sided || denied);
    failed_in_handshake_ = failed_in_handshake_ || problem().empty();
    if (!keys_) {
        return give_up((one_sided ? "the node wants keys, and none are given here: "
                                  : "what listens there does not speak ZeroMQ, or it wants keys, "
                                    "and none are given here: ") +
                       std::string(keys_wanted_));
    }
    if (denied) {
        return give_up("the node does not let in the key " + keys_->own.name + " (" +
                       keys_->own.public_key + "); ask for an entry in its allow-list");
    }
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        return give_up("the node could not check the key " + keys_->own.name +
                       "; its log may say why");
    }
    give_up(one_sided ? "what listens there has no keys, so it cannot show that it is the node; "
                        "start that node with a key, or connect without keys"
                      : "the connection was closed while keys were shown: the node may have "
                        "another key than the public one given here, or no keys");
}

void connection::say_bye() {
    if (now == phase::greeting) return;
    wire::frame_buffer frame;
    append(frame, wire::bye{});
    send(frame);
    if (problem().empty()) socket_.set(zmq::sockopt::linger, bye_linger_ms);
}

}  // namespace dunlin::link
