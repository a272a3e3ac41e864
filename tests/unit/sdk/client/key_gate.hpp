// SPDX-License-Identifier: Apache-2.0
//
// Keys for a node of a test: its own pair, and a ZAP handler that lets in the keys it knows.
//
// The handler is served by the node's thread, on a socket of the node's context, which has to be
// bound before the node's own. Owner: the node.
#pragma once

#include "security/curve.hpp"
#include "security/key_file.hpp"

#include <zmq.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::tests {

class key_gate {
public:
    /// @param status what the handler answers about keys that it does not know
    key_gate(zmq::context_t& context, zmq::socket_t& serving, const security::key_pair& own,
             std::vector<std::string> allowed, std::string_view status)
        : allowed_(std::move(allowed)),
          status_(status),
          socket_(context, zmq::socket_type::rep) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.bind("inproc://zeromq.zap.01");
        security::serve_with_curve(serving, own);
    }

    [[nodiscard]] zmq::socket_t& socket() noexcept { return socket_; }

    /// Answers what has been asked.
    void answer() {
        std::vector<zmq::message_t> request;
        while (receive(request)) {
            const auto& key = request.back();
            std::string text = "no key";
            if (key.size() == security::key_bytes) {
                std::array<std::byte, security::key_bytes> bytes;
                std::memcpy(bytes.data(), key.data(), bytes.size());
                text = security::public_key_text(bytes);
            }
            bool known = false;
            for (const auto& each : allowed_) known = known || each == text;
            const std::array<std::string, 6> reply{
                "1.0", request.at(1).to_string(), known ? "200" : status_, "", text, ""};
            for (std::size_t i = 0; i < reply.size(); ++i)
                socket_.send(zmq::buffer(reply.at(i)), i + 1 < reply.size()
                                                           ? zmq::send_flags::sndmore
                                                           : zmq::send_flags::none);
        }
    }

private:
    bool receive(std::vector<zmq::message_t>& request) {
        request.clear();
        do {
            zmq::message_t part;
            if (!socket_.recv(part, zmq::recv_flags::dontwait)) return false;
            request.push_back(std::move(part));
        } while (request.back().more());
        return true;
    }

    std::vector<std::string> allowed_;
    std::string status_;
    zmq::socket_t socket_;
};

}  // namespace dunlin::tests
