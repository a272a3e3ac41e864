// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/forwarder.hpp"

#include "runtime/router/function_registry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/reserved_port.hpp"
#include "wire/envelope.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

struct no_calls final : forward_host {
    void forwarded_value(ledger_entry& /*entry*/, bytes_view /*payload*/) override {}
    void forwarded_error(ledger_entry& /*entry*/, error /*why*/) override {}
    void recalled(ledger_entry& /*entry*/, bool /*unstarted*/) override {}
    bool run_here(ledger_entry& /*entry*/) override { return false; }
    void look_up(const std::string& endpoint) override { asked.push_back(endpoint); }

    std::vector<std::string> asked;
};

std::shared_ptr<const cluster_view> with_member(const std::string& endpoint) {
    auto view = std::make_shared<cluster_view>();
    view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false}, {2, "other", {endpoint}, false}};
    return view;
}

class no_memory final : public actors::frame_memory {};

/// Keeps what its calls were told.
struct one_caller final : forward_host {
    explicit one_caller(ledger& open) : calls(open) {}
    void forwarded_value(ledger_entry& entry, bytes_view payload) override {
        values.emplace_back(as_text(payload));
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
    std::vector<error> errors;
    int unstarted_calls = 0;
    int begun_calls = 0;
};

/// A node that serves `test/once`, says with its welcome that it leaves, and answers when told.
class leaving_node {
public:
    explicit leaving_node(zmq::context_t& context) : router_(context, zmq::socket_type::router) {
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
                if (reader.kind() == wire::kind::invoke) asked_ = reader.invoke().id;
            }
        }
    }
    [[nodiscard]] bool asked() const noexcept { return asked_ != 0; }
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
    void end() { router_.close(); }

private:
    void greet() {
        wire::frame_buffer out;
        wire::welcome welcome;
        welcome.node = "other";
        welcome.instance = 2;
        wire::append(out, welcome);
        const wire::catalog_item function{"test/once", "1", 0};
        wire::append(out, wire::list_part{0, 0, 1}, std::span(&function, 1));
        send(out);
    }
    void send(const wire::frame_buffer& out) {
        router_.send(zmq::buffer(from_), zmq::send_flags::sndmore);
        router_.send(zmq::buffer(out.data, out.size), zmq::send_flags::none);
    }

    zmq::socket_t router_;
    std::string from_;
    std::uint64_t asked_ = 0;
};

std::int64_t ns_now() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// Both ends go on until it holds.
template <class Condition>
[[nodiscard]] bool becomes_true(forwarder& links, leaving_node& other, Condition&& holds) {
    const auto end_ns = ns_now() + 10'000'000'000;
    while (!holds()) {
        if (ns_now() > end_ns) return false;
        other.take();
        links.read_events();
        links.advance(ns_now());
        links.receive(ns_now());
        links.flush();
        std::this_thread::yield();
    }
    return true;
}

std::shared_ptr<const cluster_view> with_nobody() {
    auto view = std::make_shared<cluster_view>();
    view->number = 1;
    view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false}};
    return view;
}

}  // namespace

TEST_CASE("what a node answers before it leaves arrives, though its leaving is known first") {
    zmq::context_t context;
    leaving_node other(context);
    const function_registry functions;
    ledger calls;
    one_caller host(calls);
    link_counters counters;
    forwarder links(context, functions, calls, host, counters, {"this", "", 1, 0, 1});
    links.set_view(with_member(other.endpoint()), ns_now());
    REQUIRE(becomes_true(links, other, [&] { return links.route("test/once") != nullptr; }));

    caller asker(caller::kind::functions);
    auto* memory = new no_memory;
    const auto work = actors::bundle::create(1, *memory);
    memory->release();
    work->add().id = 7;
    auto& entry = calls.open(asker, 7);
    entry.work = work.get();
    entry.route = links.route("test/once");
    auto& link = *links.find(2);
    links.send(entry, link, ns_now());
    REQUIRE(becomes_true(links, other, [&] { return other.asked(); }));
    other.say_goaway();
    REQUIRE(becomes_true(links, other, [&] { return link.now == peer_link::phase::leaving; }));

    // Another lane has heard that it has left, while its answer is still on the way.
    links.set_view(with_nobody(), ns_now());
    links.advance(ns_now());
    CHECK(host.errors.empty());

    SECTION("the answer comes") {
        other.answer("done");
        REQUIRE(becomes_true(links, other, [&] { return !host.values.empty(); }));
        CHECK(host.values == std::vector<std::string>{"done"});
        CHECK(host.errors.empty());
    }
    SECTION("the connection ends without one") {
        other.end();
        REQUIRE(becomes_true(links, other, [&] { return !host.errors.empty(); }));
        CHECK(host.errors.front().code == errc::unavailable);
        CHECK_THAT(host.errors.front().detail, Catch::Contains("which may have run"));
    }
    SECTION("nothing comes any more") {
        const auto began_ns = ns_now();
        const auto hangs = [&] { return !host.errors.empty(); };
        const auto end_ns = began_ns + 10'000'000'000;
        while (!hangs() && ns_now() < end_ns) {  // the other end reads nothing
            links.advance(ns_now());
            links.receive(ns_now());
            links.flush();
            std::this_thread::yield();
        }
        REQUIRE(hangs());
        CHECK_THAT(host.errors.front().detail, Catch::Contains("does not answer"));
    }
    // Then there is nothing to keep the link for.
    CHECK(becomes_true(links, other, [&] { return links.links().empty(); }));
}

TEST_CASE("a forwarder says when a link that it has just opened must have been greeted") {
    const tests::reserved_port nobody_listens;
    zmq::context_t context;
    const function_registry functions;
    ledger calls;
    no_calls host;
    link_counters counters;
    forwarder links(context, functions, calls, host, counters, {"this", "", 1, 0, 1});
    constexpr std::int64_t began_ns = 1'000'000'000;
    links.set_view(with_member(nobody_listens.endpoint()), began_ns);
    // A lane that knows of nothing else sleeps until then, and no longer.
    const auto due_ns = links.advance(began_ns);
    CHECK(due_ns == began_ns + 2'000'000'000);
    CHECK(links.advance(due_ns) == due_ns);  // given up: closed in this turn
    CHECK(links.advance(due_ns) > due_ns);
    REQUIRE(links.links().size() == 1);
    CHECK(links.links().front()->now == peer_link::phase::waiting);
}

TEST_CASE("names of hosts are looked up, ZeroMQ gets addresses, and other links do not wait") {
    const tests::reserved_port nobody_listens;
    zmq::context_t context;
    const function_registry functions;
    ledger calls;
    no_calls host;
    link_counters counters;
    forwarder links(context, functions, calls, host, counters, {"this", "", 1, 0, 1});
    std::int64_t now_ns = 1'000'000'000;
    const std::string name = "tcp://node.invalid:7440";
    auto view = std::make_shared<cluster_view>();
    view->members = {{2, "named", {name}, false},
                     {3, "numbered", {nobody_listens.endpoint()}, false}};
    links.set_view(view, now_ns);
    links.advance(now_ns);
    const auto& named = *links.find(2);
    REQUIRE(host.asked == std::vector<std::string>{name});
    CHECK(named.now == peer_link::phase::looking);
    CHECK(named.connection == nullptr);
    CHECK(links.find(3)->now == peer_link::phase::greeting);

    // The name server does not answer: the link waits, and tries again later.
    now_ns = named.look_until_ns;
    links.advance(now_ns);
    links.advance(now_ns);
    CHECK(named.now == peer_link::phase::waiting);
    CHECK(host.asked.size() == 1);
    // What it says after all is of use at once.
    links.found_addresses(name, {"tcp://127.0.0.1:1", nobody_listens.endpoint()}, "", now_ns);
    now_ns = named.try_at_ns;
    links.advance(now_ns);
    REQUIRE(named.now == peer_link::phase::greeting);
    CHECK(named.connection->endpoint() == "tcp://127.0.0.1:1");
    CHECK(named.endpoint == name);
    CHECK(host.asked.size() == 1);

    // Without an address the link has failed, and says why.
    links.found_addresses(name, {}, "no such host", now_ns);
    CHECK(named.now == peer_link::phase::greeting);  // it has one
}
