// SPDX-License-Identifier: Apache-2.0
//
// The parts of a lane without the lane: no thread serves them, and nothing happens by itself.
//
//     lane_parts at;
//     auto& pool = at.serve("a/echo", [](testing::call_view c) { return c.reply(c.payload); });
//     auto& peer = at.connect("shop");          // a socket of the same context: no thread between
//     ... at.run();                             // what became ready on the lane runs
//     CHECK(at.told("shop") == lines{"reply 1 hi"});
//
// The clock stands until the test moves it, the test's thread has the lane, and what a peer is told
// is read from its end of the socket, one line for an envelope. Made by each test; one thread.
#pragma once

#include "runtime/lane/admission.hpp"
#include "runtime/lane/departures.hpp"
#include "runtime/lane/intake.hpp"
#include "runtime/lane/lane_poll.hpp"
#include "runtime/lane/neighbours.hpp"
#include "runtime/lane/open_calls.hpp"
#include "tests/support/actor_harness.hpp"
#include "tests/unit/runtime/lane/outlet_parts.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::runtime {

using lines = std::vector<std::string>;

inline constexpr std::size_t test_in_flight_max = 10;
inline constexpr std::size_t test_payload_bytes_max = 1 << 10;
inline constexpr std::size_t test_frame_bytes_max = 256 << 10;

struct lane_parts {
    testing::actor_harness harness;
    function_registry functions;
    lane_counters counters;
    inbox commands;
    actors::fair_jobs ready{actors::limits::lane_debt_ns_max};
    lane_ownership ownership{[] { return true; }, counters.takeovers};
    lane_thread unit{harness.system(), ownership, ready};
    turn_clock clock{harness.time};
    router_socket socket{{.frame_bytes_accepted = 1 << 24}};
    memory_budget budget{1 << 20};
    reply_budget replies{1 << 24};
    call_window window{{}};
    connection_table connections{replies};
    load_reporter loads{clock.now_ns()};
    outlet out{socket, connections, replies, loads, counters, clock.now_ns(), {"n1", 1 << 20}};
    connection_keeper keeper{socket,   connections,    out,           budget, replies,
                             counters, clock.now_ns(), {100, nullptr}};
    lane_poll poll{socket, commands, keeper, over, {}};
    neighbours others{over, routing, out, loads, greets, counters, clock.now_ns(), 1};
    handshake greets{out,
                     keeper,
                     loads,
                     counters,
                     others.view(),
                     clock.now_ns(),
                     {"n1", "", 1, test_payload_bytes_max, test_in_flight_max}};
    open_calls calls{ownership,    commands,          out, again, over, counters, clock.now_ns(),
                     clock.peek(), {"n1", 1, nullptr}};
    repeats again{window, out, calls, clock.now_ns(), {"n1", test_in_flight_max}};
    links over{socket.context(), routing, counters, {"n1", "", 1, 0, 1}};
    router routing{functions, calls.ledger(),     over, calls.away(), calls,
                   counters,  {"n1", "", 1, 0, 1}};
    departures leaving{out, keeper, greets, calls, over};
    admission admits{functions,
                     routing,
                     calls,
                     again,
                     out,
                     budget,
                     poll.load(),
                     counters,
                     clock.now_ns(),
                     {"n1", test_in_flight_max, test_payload_bytes_max}};
    intake reads{socket,
                 keeper,
                 out,
                 greets,
                 leaving,
                 others,
                 calls,
                 admits,
                 budget,
                 poll.load(),
                 counters,
                 clock,
                 test_frame_bytes_max};

    lane_parts() {
        ownership.acquire(unit);
        clock.read();
        REQUIRE(socket.bind("inproc://lane"));
    }
    ~lane_parts() {
        calls.end_timers();
        for (auto* pool : functions.pools()) pool->shut_down();
        run();
        actors::run_unit::set_current(nullptr);
        harness.run();
    }

    // -- functions -----------------------------------------------------------------------------
    actors::pool& serve(std::string name, testing::test_function body,
                        testing::pool_settings settings = {}, std::uint32_t flags = 0) {
        auto pool = std::make_unique<actors::pool>(
            harness.system(), env(), harness.function(std::move(name), std::move(body), flags),
            actors::scale_settings{.min = settings.activations, .max = settings.activations},
            settings.queue_depth_max);
        auto& added = *pool;
        functions.add(std::move(pool));
        return added;
    }
    /// Runs what is ready on the lane, and then what other threads have.
    void run() {
        for (std::size_t jobs = 1; jobs != 0;) {
            for (jobs = 0; !ready.empty(); ++jobs) {
                const auto job = ready.pop();
                if (job.what->resume(&unit, 1) == caf::resumable::resume_later)
                    ready.push_again(job);
                else
                    caf::intrusive_ptr_release(job.what);
            }
            from_elsewhere([&] { jobs += harness.run(); });
        }
    }
    void advance(std::chrono::nanoseconds by) {
        harness.time.advance(by);
        clock.read();
        calls.fire_timers();
    }
    /// As a thread that is not the lane's: what is done goes through the inbox.
    template <class Act>
    void from_elsewhere(Act&& act) {
        const actors::elsewhere_scope not_the_lane;
        act();
    }
    lane_commands commanded() {
        lane_commands all;
        static_cast<void>(commands.take(all));
        return all;
    }

    // -- peers ---------------------------------------------------------------------------------
    /// A socket that has not said hello.
    zmq::socket_t& dial(const std::string& name) {
        return others_.emplace(name, runtime::dial(socket, "inproc://lane", name)).first->second;
    }
    [[nodiscard]] zmq::socket_t& end_of(const std::string& name) { return others_.at(name); }
    /// A peer that has been welcomed.
    peer& connect(const std::string& name, wire::peer_role role = wire::peer_role::client) {
        others_.emplace(name, runtime::greet(socket, "inproc://lane", name));
        wire::hello hello;
        hello.version_min = hello.version_max = wire::protocol_version;
        hello.name = name;
        hello.role = role;
        hello.instance = role == wire::peer_role::node ? 7 : 0;
        auto* added = greets.greet(name, hello, {1000 + static_cast<int>(others_.size()), {}});
        REQUIRE(added != nullptr);
        CHECK(told(name) == lines{"welcome n1"});
        return *added;
    }
    /// Sends a frame of these envelopes, and has the lane read it.
    template <class... Envelopes>
    void send(const std::string& name, const Envelopes&... envelopes) {
        wire::frame_buffer frame;
        (wire::append(frame, envelopes), ...);
        send_bytes(name, frame.view());
    }
    void send_bytes(const std::string& name, bytes_view frame) {
        others_.at(name).send(zmq::const_buffer(frame.data(), frame.size()), zmq::send_flags::none);
        REQUIRE(reads.receive());
    }
    /// Ends the turn. @returns what the peer is told, one line for each envelope.
    lines told(const std::string& name) {
        calls.end_turn();
        admits.end_turn();
        leaving.flush_all();
        lines all;
        zmq::message_t frame;
        while (others_.at(name).recv(frame, zmq::recv_flags::dontwait)) {
            for_each_envelope(view_of(frame), [&](const wire::frame_reader& reader) {
                all.push_back(line_of(reader));
            });
        }
        return all;
    }

private:
    /// Timers of functions, in the wheel of the lane.
    struct lane_timers final : actors::timer_service {
        explicit lane_timers(open_calls& of) : calls(of) {}
        std::shared_ptr<actors::operation_timer> arm(actors::activation_table& owner,
                                                     actors::answer_address operation,
                                                     std::int64_t deadline_ns,
                                                     std::int32_t code) override {
            return calls.arm_timer(owner, operation, deadline_ns, code);
        }
        void disarm(const std::shared_ptr<actors::operation_timer>& timer) override {
            calls.disarm_timer(std::static_pointer_cast<lane_timer>(timer));
        }
        open_calls& calls;
    };

    actors::environment env() {
        const auto plain = harness.env();
        return {plain.time, plain.router,   timers_,
                plain.log,  plain.blocking, plain.payload_bytes_max};
    }
    static std::string line_of(const wire::frame_reader& reader) {
        switch (reader.kind()) {
            case wire::kind::welcome: return "welcome " + std::string(reader.welcome().node);
            case wire::kind::goaway: return "goaway " + std::string(reader.goaway().detail);
            case wire::kind::pong: return "pong " + std::to_string(reader.id_or_token());
            case wire::kind::ping: return "ping " + std::to_string(reader.id_or_token());
            case wire::kind::cold: return "cold " + std::to_string(reader.id_or_token());
            case wire::kind::gossip:
                return "gossip " + std::string(as_text(reader.gossip().message));
            case wire::kind::reply:
                return "reply " + std::to_string(reader.reply().id) + " " +
                       std::string(as_text(reader.reply().payload));
            case wire::kind::failure:
                return "failure " + std::to_string(reader.failure().id) + " " +
                       std::string(reader.failure().detail);
            default: return "other";
        }
    }

    lane_timers timers_{calls};
    std::map<std::string, zmq::socket_t> others_;
};

/// A call as a peer sends it.
[[nodiscard]] inline wire::invoke call_to(std::string_view function, std::uint64_t id,
                                          std::string_view payload = {}) {
    wire::invoke made;
    made.id = id;
    made.function = function;
    made.payload = as_bytes(payload);
    return made;
}

}  // namespace dunlin::runtime
