// SPDX-License-Identifier: Apache-2.0
#include "runtime/router/router.hpp"

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

std::shared_ptr<const cluster_view> with_member(const std::string& endpoint) {
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

std::int64_t ns_now() {
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

std::shared_ptr<const cluster_view> with_nobody() {
    auto view = std::make_shared<cluster_view>();
    view->number = 1;
    view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false}};
    return view;
}

}  // namespace

TEST_CASE("what a node answers before it leaves arrives, though its leaving is known first") {
    node_parts node;
    auto& host = node.host;
    leaving_node other(node.context);
    node.see(with_member(other.endpoint()), ns_now());
    REQUIRE(becomes_true(node, other, [&] { return node.routing.route("test/once") != nullptr; }));

    caller asker(caller::kind::functions);
    auto* memory = new no_memory;
    const auto work = actors::bundle::create(1, *memory);
    memory->release();
    work->add().id = 7;
    auto& entry = node.calls.open(asker, 7);
    entry.work = work.get();
    entry.route = node.routing.route("test/once");
    auto& link = *node.links_of_lane.find(2);
    node.away.send(entry, link, ns_now());
    REQUIRE(becomes_true(node, other, [&] { return other.asked(); }));
    other.say_goaway();
    REQUIRE(becomes_true(node, other, [&] { return link.now == peer_link::phase::leaving; }));

    // Another lane has heard that it has left, while its answer is still on the way.
    node.see(with_nobody(), ns_now());
    static_cast<void>(node.links_of_lane.advance(ns_now()));
    CHECK(host.errors.empty());

    SECTION("the answer comes") {
        other.answer("done");
        REQUIRE(becomes_true(node, other, [&] { return !host.values.empty(); }));
        CHECK(host.values == std::vector<std::string>{"done"});
        CHECK(host.errors.empty());
    }
    SECTION("the connection ends without one") {
        other.end();
        REQUIRE(becomes_true(node, other, [&] { return !host.errors.empty(); }));
        CHECK(host.errors.front().code == errc::unavailable);
        CHECK_THAT(host.errors.front().detail, Catch::Contains("which may have run"));
    }
    SECTION("nothing comes any more") {
        const auto began_ns = ns_now();
        const auto hangs = [&] { return !host.errors.empty(); };
        const auto end_ns = began_ns + 10'000'000'000;
        while (!hangs() && ns_now() < end_ns) {  // the other end reads nothing
            node.turn();
            std::this_thread::yield();
        }
        REQUIRE(hangs());
        CHECK_THAT(host.errors.front().detail, Catch::Contains("does not answer"));
    }
    // Then there is nothing to keep the link for.
    CHECK(becomes_true(node, other, [&] { return node.links_of_lane.all().empty(); }));
}

TEST_CASE("a reply that ends its frame comes with it, one with anything behind it does not") {
    node_parts node;
    leaving_node other(node.context);
    node.see(with_member(other.endpoint()), ns_now());
    REQUIRE(becomes_true(node, other, [&] { return node.routing.route("test/once") != nullptr; }));
    caller asker(caller::kind::functions);
    auto* memory = new no_memory;
    const auto work = actors::bundle::create(2, *memory);
    memory->release();
    for (std::uint32_t i = 0; i < 2; ++i) {
        work->add().id = i;
        auto& entry = node.calls.open(asker, i);
        entry.work = work.get();
        entry.index = i;
        entry.route = node.routing.route("test/once");
        node.away.send(entry, *node.links_of_lane.find(2), ns_now());
    }
    REQUIRE(becomes_true(node, other, [&] { return other.asked_two(); }));
    const bool more = GENERATE(false, true);
    // A kind of envelope that nobody knows yet is passed over.
    other.answer_two("done", more ? std::string_view("\x91\x7f") : std::string_view());
    REQUIRE(becomes_true(node, other, [&] { return node.host.values.size() == 2; }));
    CHECK(node.host.values == std::vector<std::string>{"done", "done"});
    CHECK(node.host.whole == std::vector<bool>{false, !more});
}

namespace {

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

constexpr std::uint32_t once = 0;
constexpr std::uint32_t again = wire::catalog_flags::idempotent;

}  // namespace

TEST_CASE("a node that lists more functions than it says there are is given up") {
    node_parts node;
    leaving_node other(node.context, 2);
    node.see(with_member(other.endpoint()), ns_now());
    auto& link = *node.links_of_lane.find(2);
    REQUIRE(becomes_true(node, other, [&] { return !link.lost_by.why.empty(); }));
    CHECK(link.lost_by.why == "it lists more functions than it says there are");
    CHECK(node.routing.route("test/once") == nullptr);
}

TEST_CASE("a call that a node did not run goes to the other one, and then its answer counts") {
    two_others node(once);
    auto& entry = node.call(0);
    auto& first = node.send(entry);
    node.fail(first, errc::unavailable, true);
    auto& second = node.other_than(first);
    REQUIRE(entry.via == &second);
    CHECK(first.in_flight == 0);
    CHECK(node.counters.calls_retried.get() == 1);
    // What the first one says now is about a sending that was given up.
    node.routing.replied(first, {two_others::sent_as(first), {}}, nullptr, node.now_ns);
    CHECK(node.counters.answers_late.get() == 1);

    SECTION("a value") {
        node.routing.replied(second, {two_others::sent_as(second), as_bytes("done")}, nullptr,
                             node.now_ns);
        CHECK(node.host.values == std::vector<std::string>{"done"});
    }
    SECTION("it refuses, too, and nobody is left") {
        node.fail(second, errc::overloaded, true);
        REQUIRE(node.host.errors.size() == 1);
        CHECK(node.host.errors.front().code == errc::overloaded);
    }
    CHECK(node.away.count() == 0);
    CHECK(node.calls.open_count() == 0);
}

TEST_CASE("a call that may have run is sent again only if it may run twice, as often as it may") {
    SECTION("a function that may run once") {
        two_others node(once);
        auto& first = node.send(node.call(3));
        node.fail(first, errc::unavailable, false);
        REQUIRE(node.host.errors.size() == 1);
        CHECK(node.host.errors.front().detail == "told by " + first.name);
    }
    SECTION("an idempotent one without retries left") {
        two_others node(again);
        node.fail(node.send(node.call(0)), errc::unavailable, false);
        CHECK(node.host.errors.size() == 1);
    }
    SECTION("an idempotent one") {
        two_others node(again);
        auto& entry = node.call(1);
        auto& first = node.send(entry);
        node.fail(first, errc::unavailable, false);
        REQUIRE(entry.via == &node.other_than(first));
        CHECK(entry.may_have_run);
        CHECK(entry.invocation().retries_left == 0);
        node.fail(*entry.via, errc::unavailable, false);
        CHECK(node.host.errors.size() == 1);
    }
    SECTION("an idempotent one whose function failed") {
        two_others node(again);
        node.fail(node.send(node.call(3)), errc::failed, false);
        CHECK(node.host.errors.size() == 1);
    }
}

TEST_CASE("a call goes down with two nodes at most") {
    two_others node(again);
    auto& entry = node.call(5);
    auto& first = node.send(entry);
    first.lost_by.why = "it died";
    node.routing.connection_lost(first, false, node.now_ns);
    auto& second = node.other_than(first);
    REQUIRE(entry.via == &second);
    CHECK(entry.losses.count() == 1);
    second.lost_by.why = "it died";
    node.routing.connection_lost(second, false, node.now_ns);
    REQUIRE(node.host.errors.size() == 1);
    CHECK_THAT(node.host.errors.front().detail,
               Catch::Contains(first.name) && Catch::Contains(second.name));
    CHECK(node.counters.calls_lost_twice.get() == 1);
    CHECK(node.routing.route("test/f") == nullptr);
}

TEST_CASE("a call is not given up because two nodes that it was sent to are cut off") {
    two_others node(again);
    auto& entry = node.call(5);
    auto& first = node.send(entry);
    auto& second = node.other_than(first);
    for (auto* link : {&first, &second}) {
        REQUIRE(entry.via == link);
        link->lost_by.silent = true;
        node.now_ns += 1'000'000'000;
        node.routing.connection_lost(*link, false, node.now_ns);
        if (link == &first) CHECK(entry.losses.count() == 0);
    }
    CHECK(node.counters.calls_lost_twice.get() == 0);
}

TEST_CASE("a node that has said something since it got the call, and is silent then, counts") {
    two_others node(again);
    auto& entry = node.call(5);
    auto& first = node.send(entry);
    node.now_ns += 1'000'000;
    first.pulse.heard(node.now_ns);
    first.lost_by.silent = true;
    node.now_ns += 1'000'000'000;
    node.routing.connection_lost(first, false, node.now_ns);
    CHECK(entry.losses.count() == 1);
    CHECK(entry.losses.first() == first.instance);
}

TEST_CASE("a recalled call goes nowhere else, and is answered by what its node says of it") {
    two_others node(again);
    auto& begun = node.send(node.call(3));
    const auto id = two_others::sent_as(begun);
    node.away.recall_all();
    node.fail(begun, id, errc::cancelled, false);
    CHECK(node.host.begun_calls == 1);
    auto& waiting = node.send(node.call(3));
    node.fail(waiting, errc::cancelled, true);
    CHECK(node.host.unstarted_calls == 1);
    // What is lost meanwhile is not sent again either.
    auto& lost = node.send(node.call(3));
    node.routing.connection_lost(lost, false, node.now_ns);
    CHECK(node.host.errors.size() == 1);
    CHECK(node.away.count() == 0);
}

TEST_CASE("a call with a key waits for its owner while that cannot be reached, and not for long") {
    two_others node(once);
    // A key of each of the others.
    std::string key;
    destination to;
    for (int i = 0; to.link == nullptr || to.link->instance != 3; ++i) {
        key = "key " + std::to_string(i);
        to = node.routing.decide(*node.routing.route_of_key("test/f"), as_bytes(key), 0, false,
                                 node.now_ns);
    }
    REQUIRE(to.what == destination::kind::there);
    auto& owner = *to.link;
    owner.now = peer_link::phase::waiting;
    auto& entry = node.call(0, key);
    to = node.routing.decide(*entry.route, entry.invocation().key, 0, false, node.now_ns);
    REQUIRE(to.what == destination::kind::owner_later);
    REQUIRE(node.routing.await_owner(entry, node.now_ns));

    SECTION("it comes back") {
        node.connect(3, once);
        CHECK(entry.via == &owner);
    }
    SECTION("it does not") {
        const auto end_ns = node.routing.advance(node.now_ns);
        CHECK(end_ns == node.now_ns + owner_wait::wait_max_ns);
        CHECK(node.host.errors.empty());
        static_cast<void>(node.routing.advance(end_ns));
        REQUIRE(node.host.errors.size() == 1);
        CHECK(node.host.errors.front().did_not_run);
        CHECK_THAT(node.host.errors.front().detail, Catch::Contains("node third"));
    }
}
