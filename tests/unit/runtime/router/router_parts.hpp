// SPDX-License-Identifier: Apache-2.0
//
// The router with links, without a lane: who takes the answers keeps them, and other nodes are
// sockets of the test or exist only as far as the router knows. Made by each test; one thread.
#pragma once

#include "runtime/router/function_registry.hpp"
#include "runtime/router/router.hpp"
#include "tests/support/catch.hpp"
#include "wire/envelope.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::runtime {

inline std::shared_ptr<const cluster_view> with_member(const std::string& endpoint) {
    auto view = std::make_shared<cluster_view>();
    view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false}, {2, "other", {endpoint}, false}};
    return view;
}

class no_memory final : public actors::frame_memory {};

/// Keeps what its calls were told.
struct one_caller final : forward_host {
    explicit one_caller(ledger& open) : calls(open) {}
    void forwarded_value(ledger_entry& entry, bytes_view payload,
                         const std::shared_ptr<link::received_frame>& frame) override {
        values.emplace_back(as_text(payload));
        whole.push_back(frame != nullptr);
        cold.push_back(entry.cold_elsewhere);
        calls.close(entry);
    }
    void forwarded_error(ledger_entry& entry, error why) override {
        errors.push_back(std::move(why));
        calls.close(entry);
    }
    void recalled(ledger_entry& entry, bool unstarted) override {
        unstarted_calls += unstarted ? 1 : 0;
        begun_calls += unstarted ? 0 : 1;
        calls.close(entry);
    }
    bool run_here(ledger_entry& /*entry*/) override { return false; }
    void look_up(const std::string& /*endpoint*/) override {}

    ledger& calls;
    std::vector<std::string> values;
    std::vector<bool> whole;  // whether each came with its frame
    std::vector<bool> cold;   // whether each paid for a start
    std::vector<error> errors;
    int unstarted_calls = 0;
    int begun_calls = 0;
};

/// A node that serves `test/once`, says with its welcome that it leaves, and answers when told.
class leaving_node {
public:
    /// `listed`: functions in its catalog, of which it says that they are one.
    explicit leaving_node(zmq::context_t& context, std::size_t listed = 1)
        : router_(context, zmq::socket_type::router),
          functions_(listed, {"test/once", "1", 0}) {
        router_.set(zmq::sockopt::linger, 0);
        router_.bind("tcp://127.0.0.1:*");
    }
    [[nodiscard]] std::string endpoint() const { return router_.get(zmq::sockopt::last_endpoint); }
    /// Reads what has come.
    void take() {
        if (!router_) return;  // it has ended
        zmq::message_t from;
        zmq::message_t frame;
        while (router_.recv(from, zmq::recv_flags::dontwait) && router_.recv(frame)) {
            from_ = from.to_string();
            wire::frame_reader reader({static_cast<const std::byte*>(frame.data()), frame.size()});
            while (reader.next() == wire::read_status::envelope) {
                if (reader.kind() == wire::kind::hello) greet();
                if (reader.kind() == wire::kind::invoke)
                    asked_before_ = std::exchange(asked_, reader.invoke().id);
            }
        }
    }
    [[nodiscard]] bool asked() const noexcept { return asked_ != 0; }
    [[nodiscard]] bool asked_two() const noexcept { return asked_before_ != 0; }
    void say_goaway() {
        wire::frame_buffer out;
        wire::append(out, wire::goaway{static_cast<std::int64_t>(errc::unavailable), "it leaves"});
        send(out);
    }
    void answer(std::string_view text) {
        wire::frame_buffer out;
        wire::append(out, wire::reply{asked_, as_bytes(text)});
        send(out);
    }
    /// The last two calls, in one frame.
    void answer_two(std::string_view text, std::string_view behind) {
        wire::frame_buffer out;
        wire::append(out, wire::reply{asked_before_, as_bytes(text)});
        wire::append(out, wire::reply{asked_, as_bytes(text)});
        out.append(as_bytes(behind));
        send(out);
    }
    void end() { router_.close(); }

private:
    void greet() {
        wire::frame_buffer out;
        wire::welcome welcome;
        welcome.node = "other";
        welcome.instance = 2;
        wire::append(out, welcome);
        wire::append(out, wire::list_part{0, 0, 1}, functions_);
        send(out);
    }
    void send(const wire::frame_buffer& out) {
        router_.send(zmq::buffer(from_), zmq::send_flags::sndmore);
        router_.send(zmq::buffer(out.data, out.size), zmq::send_flags::none);
    }

    zmq::socket_t router_;
    std::vector<wire::catalog_item> functions_;
    std::string from_;
    std::uint64_t asked_ = 0;
    std::uint64_t asked_before_ = 0;
};

inline std::int64_t ns_now() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// What a lane has of other nodes.
struct node_parts {
    node_parts() : links_of_lane(context, routing, counters, options), host(calls) {}
    void turn() {
        links_of_lane.read_events();
        static_cast<void>(links_of_lane.advance(ns_now()));
        static_cast<void>(links_of_lane.receive(routing, ns_now()));
        links_of_lane.flush();
    }
    void see(const std::shared_ptr<const cluster_view>& view, std::int64_t now_ns) {
        links_of_lane.set_members(*view, now_ns);
        routing.set_view(view, now_ns);
    }

    const link_options options{"this", "", 1, 0, 1};
    zmq::context_t context;
    const function_registry functions;
    ledger calls;
    link_counters counters;
    links links_of_lane;
    outbound_calls away{calls, links_of_lane, counters, 1};
    one_caller host;
    router routing{functions, calls, links_of_lane, away, host, counters, options};
};

/// Both ends go on until it holds.
template <class Condition>
[[nodiscard]] bool becomes_true(node_parts& node, leaving_node& other, Condition&& holds) {
    const auto end_ns = ns_now() + 10'000'000'000;
    while (!holds()) {
        if (ns_now() > end_ns) return false;
        other.take();
        node.turn();
        std::this_thread::yield();
    }
    return true;
}

inline std::shared_ptr<const cluster_view> with_nobody() {
    auto view = std::make_shared<cluster_view>();
    view->number = 1;
    view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false}};
    return view;
}

/// Two other nodes, connected as far as the router knows: nothing is sent.
struct two_others : node_parts {
    explicit two_others(std::uint32_t flags) {
        auto view = std::make_shared<cluster_view>();
        view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false},
                         {2, "second", {"tcp://127.0.0.1:1"}, false},
                         {3, "third", {"tcp://127.0.0.1:1"}, false}};
        view->members[0].serves = cluster::served_set::of({});
        see(view, now_ns);
        for (const auto instance : {std::uint64_t{2}, std::uint64_t{3}}) connect(instance, flags);
    }
    void connect(std::uint64_t instance, std::uint32_t flags) {
        auto& link = *links_of_lane.find(instance);
        link.now = peer_link::phase::live;
        link.in_flight_max = 100;
        link.payload_bytes_max = 1000;
        link.incoming = {{"test/f", "1", (flags & wire::catalog_flags::idempotent) != 0}};
        routing.catalog_arrived(link, now_ns);
    }
    ledger_entry& call(std::uint32_t retries, std::string_view key = {}) {
        auto* memory = new no_memory;
        auto& work = bundles.emplace_back(actors::bundle::create(1, *memory));
        memory->release();
        auto& invocation = work->add();
        invocation.retries_left = retries;
        invocation.deadline_ns = actors::no_deadline;
        invocation.key = as_bytes(key);
        asker.retries.called();
        auto& entry = calls.open(asker, bundles.size());
        entry.work = work.get();
        entry.route = key.empty() ? routing.route("test/f") : routing.route_of_key("test/f");
        return entry;
    }
    /// @returns where it went.
    peer_link& send(ledger_entry& entry) {
        const auto to = routing.decide(*entry.route, {}, 0, false, now_ns);
        REQUIRE(to.what == destination::kind::there);
        away.send(entry, *to.link, now_ns);
        return *to.link;
    }
    /// The id of the last sending on that link.
    static std::uint64_t sent_as(const peer_link& link) {
        std::uint64_t id = 0;
        wire::frame_reader reader(link.out.view());
        while (reader.next() == wire::read_status::envelope)
            if (reader.kind() == wire::kind::invoke) id = reader.invoke().id;
        return id;
    }
    void fail(peer_link& link, errc code, bool did_not_run) {
        fail(link, sent_as(link), code, did_not_run);
    }
    void fail(peer_link& link, std::uint64_t id, errc code, bool did_not_run) {
        const std::string detail = "told by " + link.name;
        wire::failure failure;
        failure.id = id;
        failure.code = static_cast<std::int64_t>(code);
        failure.detail = detail;
        failure.did_not_run = did_not_run;
        routing.failed(link, failure, now_ns);
    }
    peer_link& other_than(const peer_link& link) {
        return *links_of_lane.find(link.instance == 2 ? 3 : 2);
    }

    std::int64_t now_ns = 1'000'000'000;
    caller asker{caller::kind::functions};
    std::vector<actors::bundle_ptr> bundles;
};

inline constexpr std::uint32_t once = 0;
inline constexpr std::uint32_t again = wire::catalog_flags::idempotent;

}  // namespace dunlin::runtime
