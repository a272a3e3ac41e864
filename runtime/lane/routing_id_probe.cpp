// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/routing_id_probe.hpp"

#include "runtime/log.hpp"

#include <unistd.h>
#include <zmq.h>

#include <cstring>
#include <utility>

namespace dunlin::runtime {

namespace {

constexpr const char* own_endpoint = "inproc://lane-itself";
constexpr std::size_t question_bytes = 16;
/// Between two questions, while connections come one after the other.
constexpr std::int64_t ask_again_pause_ns = 2'000'000;

}  // namespace

std::int64_t routing_id_probe::ask(std::size_t speechless, std::int64_t now_ns) {
    due_ = true;
    if (asked_) return never_ns;
    if (now_ns < ask_again_ns_) return ask_again_ns_;
    ask_again_ns_ = now_ns + ask_again_pause_ns;
    try {
        if (question_.empty()) {
            std::string random(question_bytes, '\0');
            if (::getentropy(random.data(), random.size()) != 0) throw zmq::error_t();
            router_.bind_inside(own_endpoint);
            asker_ = zmq::socket_t(router_.context(), zmq::socket_type::dealer);
            asker_.set(zmq::sockopt::linger, 0);
            question_ = std::move(random);
        }
        may_follow_ = speechless;
        asker_.connect(own_endpoint);
        ids_.accepted();  // the question's own peer gets a number, too
        asker_.send(zmq::buffer(question_), zmq::send_flags::none);
        asked_ = true;
        due_ = false;
        router_.unheard();
    } catch (const zmq::error_t& e) {
        // No descriptor is left, most likely: it is tried again with a later connection.
        log().debug("the next routing id is not known", {{"why", e.what()}});
    }
    return never_ns;
}

bool routing_id_probe::is_question(std::string_view routing_id, const zmq::message_t& frame,
                                   std::size_t& claims) {
    if (frame.size() != question_bytes || !asked_) return false;
    if (std::memcmp(frame.data(), question_.data(), question_bytes) != 0) return false;
    // So that the next connect is the only way for the next question.
    zmq_disconnect(asker_.handle(), own_endpoint);
    asked_ = false;
    const auto number = routing_id_count::number_of(routing_id);
    if (!number) return true;
    ids_.learned(*number, may_follow_);
    // Whether a number is taken shows when something is sent there.
    claims = routing_id_count::claims_ahead(*number, [this](const std::string& id) {
        zmq::message_t nothing;
        return router_.try_send(id, nothing) != router_socket::sent::unreachable;
    });
    return true;
}

}  // namespace dunlin::runtime
