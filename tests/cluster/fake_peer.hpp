// SPDX-License-Identifier: Apache-2.0
//
// Something that nodes connect to and that is not quite a node: a ROUTER on a port of the system's
// choice, with a thread that answers each envelope as a test wants.
//
// `on_hello` and `on_invoke` append what goes back to whoever sent it. They run on the thread of
// the peer; what they were given is over when they return.
#pragma once

#include "support/wake_event.hpp"
#include "wire/envelope.hpp"

#include <zmq.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>

namespace dunlin::testing {

class fake_peer {
public:
    using answerer = std::function<void(wire::frame_buffer& back, const wire::frame_reader& to)>;

    explicit fake_peer(answerer on_hello, answerer on_invoke = {})
        : on_hello_(std::move(on_hello)),
          on_invoke_(std::move(on_invoke)) {
        router_.set(zmq::sockopt::linger, 0);
        router_.bind("tcp://127.0.0.1:*");
        endpoint_ = router_.get(zmq::sockopt::last_endpoint);
        thread_ = std::thread([this] { run(); });
    }
    fake_peer(const fake_peer&) = delete;
    fake_peer& operator=(const fake_peer&) = delete;
    ~fake_peer() {
        stopping_ = true;
        stop_.signal();
        thread_.join();
    }

    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
    [[nodiscard]] int hellos() const noexcept { return hellos_; }
    [[nodiscard]] int invokes() const noexcept { return invokes_; }

private:
    void run() {
        zmq::pollitem_t items[] = {{router_.handle(), 0, ZMQ_POLLIN, 0},
                                   {nullptr, stop_.fd(), ZMQ_POLLIN, 0}};
        while (!stopping_) {
            zmq::poll(items, 2, std::chrono::milliseconds(-1));
            zmq::message_t from;
            zmq::message_t frame;
            while (router_.recv(from, zmq::recv_flags::dontwait) && router_.recv(frame))
                answer(from, frame);
        }
    }
    void answer(zmq::message_t& from, const zmq::message_t& frame) {
        wire::frame_buffer back;
        wire::frame_reader reader({static_cast<const std::byte*>(frame.data()), frame.size()});
        while (reader.next() == wire::read_status::envelope) {
            if (reader.kind() == wire::kind::hello) {
                ++hellos_;
                on_hello_(back, reader);
            } else if (reader.kind() == wire::kind::invoke) {
                ++invokes_;
                if (on_invoke_) on_invoke_(back, reader);
            } else if (reader.kind() == wire::kind::ping) {
                wire::append(back, wire::pong{reader.id_or_token()});
            }
        }
        if (back.empty()) return;
        router_.send(from, zmq::send_flags::sndmore);
        router_.send(zmq::buffer(back.data, back.size), zmq::send_flags::none);
    }

    answerer on_hello_;
    answerer on_invoke_;
    std::atomic<int> hellos_{0};
    std::atomic<int> invokes_{0};
    std::atomic<bool> stopping_{false};
    support::wake_event stop_;
    zmq::context_t context_{1};
    zmq::socket_t router_{context_, zmq::socket_type::router};
    std::string endpoint_;
    std::thread thread_;
};

}  // namespace dunlin::testing
