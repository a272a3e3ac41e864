// SPDX-License-Identifier: Apache-2.0
//
// A node for tests of the client: one ROUTER on a free loopback port, on a thread of its own.
//
// What it does with a call depends on the function's name (see `answer`); calls of t/hold it
// keeps until a test tells it what to send. Tests wait for what it has seen, never for time.
// `post` runs something on its thread; what it has seen is read through `wait_for` only.
//
// With an `instance` it is one of a cluster: it tells every client its catalog and the members that
// `tell_members` gave it.
#pragma once

#include "key_gate.hpp"
#include "security/key_file.hpp"
#include "support/wake_event.hpp"
#include "wire/envelope.hpp"
#include "wire/frame_buffer.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/client.hpp>

#include <zmq.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::tests {

class fake_node {
public:
    enum class greeting { welcome, refuse, silence };
    struct options {
        std::string endpoint = "tcp://127.0.0.1:*";
        greeting on_hello = greeting::welcome;
        std::uint64_t payload_bytes_max = wire::payload_bytes_max_default;
        std::uint64_t in_flight_max = 0;
        std::vector<std::string> other_lanes = {};
        std::string name = "fake";
        std::string cluster = {};
        std::uint64_t instance = 0;
        std::vector<wire::catalog_item> catalog = {};  // of literals; empty: not told
        security::key_pair keys = {};                  // without a secret key: plain
        std::vector<std::string> allowed = {};         // public keys that are let in
        std::string_view denied = "400";               // what is said of others
    };
    struct held {
        std::string peer;
        std::uint64_t id;
        bytes payload;
        std::uint32_t attempt = 0;
        std::uint32_t retries_left = 0;
        std::uint64_t origin = 0;
        std::uint64_t origin_id = 0;
        std::string key = {};
    };
    struct known_member {
        std::uint64_t instance;
        std::string name;
        std::string endpoint;
    };
    struct seen {
        std::size_t hellos = 0;
        std::size_t invokes = 0;
        std::size_t cancels = 0;
        std::size_t pongs = 0;
        std::size_t byes = 0;
        std::string client_name;
        std::string cluster;
        std::vector<std::string> log;  // invoke, pong: in their order
        std::vector<held> calls;       // of t/hold, unanswered
    };

    fake_node() : fake_node(options()) {}
    explicit fake_node(options how) : how_(std::move(how)) {
        router_.set(zmq::sockopt::linger, 0);
        router_.set(zmq::sockopt::sndhwm, 0);  // else what is too much is dropped in silence
        router_.set(zmq::sockopt::rcvhwm, 0);
        if (!how_.keys.secret_key.empty())
            gate_ =
                std::make_unique<key_gate>(context_, router_, how_.keys, how_.allowed, how_.denied);
        router_.bind(how_.endpoint);
        endpoint_ = router_.get(zmq::sockopt::last_endpoint);
        thread_ = std::thread([this] { run(); });
    }
    fake_node(const fake_node&) = delete;
    fake_node& operator=(const fake_node&) = delete;
    ~fake_node() { stop(); }

    /// Vanishes without a word.
    void stop() {
        if (!thread_.joinable()) return;
        post([this](fake_node&) { stopping_ = true; });
        thread_.join();
        router_.close();
    }

    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
    [[nodiscard]] known_member as_member() const { return {how_.instance, how_.name, endpoint_}; }

    /// From now on its view of the cluster; told to every client.
    void tell_members(std::uint64_t view, std::vector<known_member> members) {
        run_there([&](fake_node& there) {
            there.view_ = view;
            there.members_ = std::move(members);
            for (const auto& peer : there.peers_) {
                wire::frame_buffer frame;
                there.append_members(frame);
                there.send(peer, frame);
            }
        });
    }
    /// To all its clients: it leaves, and asks for a last pong.
    void say_goaway() {
        run_there([](fake_node& there) {
            for (const auto& peer : there.peers_) {
                wire::frame_buffer frame;
                append(frame,
                       wire::goaway{static_cast<std::int64_t>(errc::unavailable), "stopping"});
                append(frame, wire::ping{1});
                there.send(peer, frame);
            }
            there.leaving_ = true;
        });
    }
    /// Neither reads nor answers until what this returns is destroyed, but its connections stand.
    [[nodiscard]] std::shared_ptr<void> hang() {
        auto hanging = std::make_shared<std::promise<void>>();
        auto over = std::make_shared<std::promise<void>>();
        post([hanging, ended = over->get_future().share()](fake_node&) {
            hanging->set_value();
            ended.wait();
        });
        hanging->get_future().wait();
        return {over.get(), [over](void*) { over->set_value(); }};
    }
    /// Runs `action` on the node's thread.
    void post(std::function<void(fake_node&)> action) {
        {
            const std::lock_guard lock(mutex_);
            posted_.push_back(std::move(action));
        }
        wake_.signal();
    }
    /// The same, and waits until it has run.
    void run_there(std::function<void(fake_node&)> action) {
        std::promise<void> ran;
        post([&](fake_node& node) {
            action(node);
            ran.set_value();
        });
        ran.get_future().wait();
    }

    /// Sends one frame with these to a client.
    template <class... Envelopes>
    void tell(const std::string& peer, const Envelopes&... envelopes) {
        run_there([&](fake_node& there) {
            wire::frame_buffer frame;
            (append(frame, envelopes), ...);
            there.send(peer, frame);
        });
    }
    /// Answers all calls of t/hold.
    void answer_held() {
        run_there([](fake_node& there) { there.reply_to_all(); });
    }

    /// Waits until what was seen fits, and returns it. `what` names it if that never comes.
    seen wait_for(const std::function<bool(const seen&)>& fits, const std::string& what) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return fits(seen_); })) {
            throw std::runtime_error("the node has never seen " + what);
        }
        return seen_;
    }
    seen wait_for_held(std::size_t count) {
        return wait_for([&](const seen& s) { return s.calls.size() >= count; },
                        std::to_string(count) + " calls of t/hold");
    }

    // -- on the node's thread ------------------------------------------------------------------

    void send(const std::string& peer, const wire::frame_buffer& frame) {
        send_raw(peer, frame.view());
    }
    void send_raw(const std::string& peer, bytes_view frame) {
        router_.send(zmq::buffer(peer), zmq::send_flags::sndmore);
        router_.send(zmq::const_buffer(frame.data(), frame.size()), zmq::send_flags::none);
    }
    /// A message of two parts, which no peer may send.
    void send_parts(const std::string& peer) {
        router_.send(zmq::buffer(peer), zmq::send_flags::sndmore);
        router_.send(zmq::str_buffer("one"), zmq::send_flags::sndmore);
        router_.send(zmq::str_buffer("two"), zmq::send_flags::none);
    }
    void reply_to(const held& call) {
        wire::frame_buffer frame;
        append(frame, wire::reply{call.id, call.payload});
        send(call.peer, frame);
    }
    void reply_to_all() {
        std::vector<held> calls;
        {
            const std::lock_guard lock(mutex_);
            calls.swap(seen_.calls);
        }
        for (const auto& call : calls) reply_to(call);
    }

private:
    void run() {
        std::vector<zmq::pollitem_t> items{{router_.handle(), 0, ZMQ_POLLIN, 0},
                                           {nullptr, wake_.fd(), ZMQ_POLLIN, 0}};
        if (gate_) items.push_back({gate_->socket().handle(), 0, ZMQ_POLLIN, 0});
        while (!stopping_) {
            zmq::poll(items, std::chrono::milliseconds(-1));
            if (items[1].revents != 0) wake_.drain();
            std::vector<std::function<void(fake_node&)>> posted;
            {
                const std::lock_guard lock(mutex_);
                posted.swap(posted_);
            }
            for (auto& action : posted) action(*this);
            if (gate_) gate_->answer();
            zmq::message_t peer;
            zmq::message_t frame;
            while (!stopping_ && router_.recv(peer, zmq::recv_flags::dontwait)) {
                if (!router_.recv(frame, zmq::recv_flags::none)) continue;
                read(peer.to_string(), {static_cast<const std::byte*>(frame.data()), frame.size()});
            }
        }
    }

    void read(const std::string& peer, bytes_view frame) {
        wire::frame_reader reader(frame);
        wire::frame_buffer out;
        while (reader.next() == wire::read_status::envelope) {
            const std::lock_guard lock(mutex_);
            switch (reader.kind()) {
                case wire::kind::hello:
                    ++seen_.hellos;
                    seen_.client_name = reader.hello().name;
                    seen_.cluster = reader.hello().cluster;
                    peers_.push_back(peer);
                    greet(out);
                    break;
                case wire::kind::invoke:
                    ++seen_.invokes;
                    seen_.log.emplace_back("invoke");
                    answer(peer, reader.invoke(), out);
                    break;
                case wire::kind::cancel: ++seen_.cancels; break;
                case wire::kind::ping: append(out, wire::pong{reader.id_or_token()}); break;
                case wire::kind::pong:
                    ++seen_.pongs;
                    seen_.log.emplace_back("pong");
                    break;
                case wire::kind::bye: ++seen_.byes; break;
                default: break;
            }
        }
        if (!out.empty()) send(peer, out);
        changed_.notify_all();
    }

    void greet(wire::frame_buffer& out) {
        if (how_.on_hello == greeting::silence) return;
        if (leaving_) {
            append(out, wire::goaway{static_cast<std::int64_t>(errc::unavailable), "stopping"});
            return;
        }
        if (how_.on_hello == greeting::refuse) {
            append(out, wire::goaway{static_cast<std::int64_t>(errc::unauthenticated), "who?"});
            return;
        }
        wire::welcome welcome;
        welcome.node = how_.name;
        welcome.cluster = how_.cluster;
        welcome.instance = how_.instance;
        if (how_.instance != 0) welcome.features = wire::features::cluster;
        welcome.payload_bytes_max = how_.payload_bytes_max;
        welcome.in_flight_max = how_.in_flight_max;
        welcome.endpoints[welcome.endpoint_count++] = endpoint_;
        for (const auto& lane : how_.other_lanes) {
            welcome.endpoints[welcome.endpoint_count++] = lane;
        }
        append(out, welcome);
        if (how_.instance == 0) return;
        if (!how_.catalog.empty()) {
            const auto total = static_cast<std::uint32_t>(how_.catalog.size());
            append(out, wire::list_part{.total = total}, how_.catalog);
        }
        append_members(out);
    }

    void append_members(wire::frame_buffer& out) const {
        std::vector<wire::member_item> items;
        for (const auto& each : members_) {
            wire::member_item item{.instance = each.instance, .name = each.name};
            item.endpoints[item.endpoint_count++] = each.endpoint;
            items.push_back(item);
        }
        const auto total = static_cast<std::uint32_t>(items.size());
        if (total != 0) append(out, wire::list_part{view_, 0, total}, items);
    }

    void answer(const std::string& peer, const wire::invoke& call, wire::frame_buffer& out) {
        const auto fails = [&](errc code, std::string_view detail, std::uint64_t retry_us) {
            append(out, wire::failure{call.id, static_cast<std::int64_t>(code), detail, retry_us});
        };
        const auto keep = [&] {
            seen_.calls.push_back({peer, call.id, bytes(call.payload), call.attempt,
                                   call.retries_left, call.origin, call.origin_id,
                                   std::string(as_text(call.key))});
        };
        if (call.function == "t/hold" || call.function == "t/hold_again") {
            keep();
        } else if (call.function == "t/throws") {
            fails(errc::failed, "boom", 0);
        } else if (call.function == "t/sheds") {
            fails(errc::overloaded, "queue full", 1500);
        } else if (call.function == "t/newer") {
            append(out, wire::failure{call.id, 4711, "of a newer node", 0});
        } else if (call.function == "t/cold") {
            append(out, wire::cold{call.id});
            append(out, wire::reply{call.id, call.payload});
        } else if (call.function == "t/cold_and_throws") {
            append(out, wire::cold{call.id});
            fails(errc::failed, "boom", 0);
        } else if (call.function == "t/strays") {
            // Answers to calls that never were, or are no more; the true one; and that again.
            append(out, wire::reply{0, call.payload});
            append(out, wire::cold{0});
            append(out, wire::cold{call.id ^ (std::uint64_t{1} << 60)});
            append(out, wire::reply{~std::uint64_t{0}, call.payload});
            append(out, wire::reply{call.id ^ (std::uint64_t{1} << 60), call.payload});
            append(out, wire::failure{0, 2, "about the connection", 0});
            append(out, wire::reply{call.id, call.payload});
            append(out, wire::reply{call.id, call.payload});
            append(out, wire::failure{call.id, 11, "late", 0});
        } else {
            append(out, wire::reply{call.id, call.payload});
        }
    }

    options how_;
    zmq::context_t context_{1};
    zmq::socket_t router_{context_, zmq::socket_type::router};
    std::unique_ptr<key_gate> gate_;
    std::string endpoint_;
    bool stopping_ = false;
    bool leaving_ = false;
    std::uint64_t view_ = 1;
    std::vector<known_member> members_;
    std::vector<std::string> peers_;
    support::wake_event wake_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::function<void(fake_node&)>> posted_;
    seen seen_;
    std::thread thread_;
};

/// A client of that node; its calls have a minute unless the options say otherwise.
[[nodiscard]] inline client connected(const fake_node& node, client_options options = {}) {
    options.endpoints = {node.endpoint()};
    if (options.timeout == client_options().timeout) options.timeout = std::chrono::seconds(60);
    return client::connect(std::move(options)).value();
}

/// Makes calls of t/echo, `window` at a time: the end of each begins another.
/// @returns how many had the right answer.
[[nodiscard]] inline int echo_in_window(client& c, int window, int calls) {
    std::atomic<int> started{0};
    std::atomic<int> answered{0};
    std::atomic<int> right{0};
    std::promise<void> done;
    std::function<void()> next = [&] {
        const int number = started.fetch_add(1);
        if (number >= calls) return;
        c.async_invoke<int>("t/echo", number, {}, [&, number](const result<int>& reply) {
            if (reply && *reply == number) ++right;
            next();
            if (++answered == calls) done.set_value();
        });
    };
    for (int i = 0; i < window; ++i) next();
    done.get_future().wait();
    return right;
}

}  // namespace dunlin::tests
