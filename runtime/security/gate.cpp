// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/gate.hpp"

#include "runtime/log.hpp"
#include "runtime/security/node_security.hpp"
#include "runtime/security/zap_message.hpp"
#include "support/signal_mask.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace dunlin::runtime {

namespace {

using clock = std::chrono::steady_clock;

std::int64_t now_ns() { return clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

/// How soon a change of the allow-list holds.
constexpr std::chrono::milliseconds look_every{1000};
constexpr std::chrono::milliseconds for_ever{-1};
/// A question has seven parts and what the socket puts in front of them.
constexpr std::size_t parts_max = 16;

/// Whether what `part` begins goes on, after one more part was read.
bool next_part(zmq::socket_t& socket, zmq::message_t& part) {
    return part.more() && socket.recv(part, zmq::recv_flags::dontwait).has_value();
}

std::string_view text_of(const zmq::message_t& part) {
    return {static_cast<const char*>(part.data()), part.size()};
}

}  // namespace

gate::gate(node_security& serves,
           const std::vector<std::reference_wrapper<zmq::context_t>>& contexts,
           std::function<void()> changed)
    : node_(serves),
      changed_(std::move(changed)) {
    for (auto& context : contexts) {
        auto& socket = sockets_.emplace_back(context.get(), zmq::socket_type::router);
        socket.set(zmq::sockopt::linger, 0);
        socket.bind(zap_endpoint);
    }
    const support::signals_blocked no_signals;
    thread_ = std::thread([this] { run(); });
}

gate::~gate() {
    stop_.signal();
    thread_.join();
}

void gate::run() {
    std::vector<zmq::pollitem_t> items{{nullptr, stop_.fd(), ZMQ_POLLIN, 0}};
    for (auto& socket : sockets_) items.push_back({socket.handle(), 0, ZMQ_POLLIN, 0});
    auto look_at = clock::now() + look_every;
    for (;;) {
        auto patience = for_ever;
        if (node_.allow) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(look_at - clock::now());
            patience = std::max(left, std::chrono::milliseconds(0));
        }
        const auto ready = zmq_poll(items.data(), static_cast<int>(items.size()), patience.count());
        if (ready < 0 && zmq_errno() != EINTR) throw zmq::error_t();
        if (ready < 0) continue;
        if (items.front().revents != 0) return;
        for (std::size_t i = 0; i < sockets_.size(); ++i)
            if (items[i + 1].revents != 0) answer(sockets_[i]);
        if (!node_.allow || clock::now() < look_at) continue;
        look_at_list();
        look_at = clock::now() + look_every;
    }
}

// The parts before the empty one lead back to the asker.
void gate::answer(zmq::socket_t& socket) {
    std::vector<zmq::message_t> way_back;
    std::vector<zmq::message_t> question;
    zmq::message_t part;
    if (!socket.recv(part, zmq::recv_flags::dontwait)) return;
    bool addressed = false;
    bool too_long = false;
    do {
        if (way_back.size() + question.size() >= parts_max) {
            too_long = true;  // read to its end all the same
            continue;
        }
        auto& to = addressed ? question : way_back;
        if (!addressed && part.empty()) addressed = true;
        auto& kept = to.emplace_back();
        kept.copy(part);
    } while (next_part(socket, part));

    std::vector<std::string_view> parts;
    for (const auto& each : question) parts.push_back(text_of(each));
    const auto read = read_zap(parts);
    std::vector<std::string> said;
    if (too_long || !read.problem.empty()) {
        node_.counters.questions_malformed.add();
        const auto why = too_long ? std::string_view("too many parts") : read.problem;
        if (const auto unsaid = strangers_.due(why, now_ns()))
            log().error("ZeroMQ asks for access malformed", {{"why", why}, {"unsaid", *unsaid}});
        if (read.question.request_id.empty()) return;  // nobody could match an answer
        said = write_zap(read.question.request_id, zap_status::broken, why, {});
    } else if (node_.board.newest()->find(read.question.public_key) == nullptr) {
        refuse(read.question.public_key, read.question.address);
        said = write_zap(read.question.request_id, zap_status::refused, "unknown key", {});
    } else {
        said = write_zap(read.question.request_id, zap_status::welcome, "OK",
                         read.question.public_key);
    }
    // Best effort: when there is no room, the connection is not made, and its peer tries again.
    for (auto& each : way_back)
        if (!socket.send(each, zmq::send_flags::sndmore | zmq::send_flags::dontwait)) return;
    for (std::size_t i = 0; i < said.size(); ++i) {
        const auto more = i + 1 < said.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
        if (!socket.send(zmq::buffer(said[i]), more | zmq::send_flags::dontwait)) return;
    }
}

void gate::refuse(const std::string& public_key, const std::string& address) {
    node_.counters.keys_refused.add();
    const auto unsaid = strangers_.due(public_key, now_ns());
    if (!unsaid) return;
    log().warn("connection refused: its key is not allowed",
               {{"key", public_key}, {"from", address}, {"unsaid", *unsaid}});
}

void gate::look_at_list() {
    if (!node_.allow->changed()) return;
    auto list = allow_list::read(node_.allow->path());
    if (!list) {
        node_.counters.allow_list_failures.add();
        log().error("the allow-list cannot be read, so the last good one stays",
                    {{"why", list.error().detail}});
        return;
    }
    log().info("the allow-list was read anew",
               {{"file", node_.allow->path()}, {"keys", list->size()}});
    node_.board.put(std::make_shared<const access>(node_.board.newest()->next(std::move(*list))));
    changed_();
    node_.counters.allow_list_reloads.add();  // at last: who sees it counted finds it in force
}

}  // namespace dunlin::runtime
