// SPDX-License-Identifier: Apache-2.0
#include "runtime/router/router.hpp"

#include "tests/unit/runtime/router/router_parts.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

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

TEST_CASE("that a call paid for a start is known of the sending that is answered, and no other") {
    two_others node(once);
    auto& entry = node.call(0);
    auto& first = node.send(entry);
    node.routing.cold(node.other_than(first), two_others::sent_as(first));  // it does not have it
    CHECK_FALSE(entry.cold_elsewhere);
    node.routing.cold(first, two_others::sent_as(first));
    CHECK(entry.cold_elsewhere);
    const auto answer = [&](peer_link& from) {
        node.routing.replied(from, {two_others::sent_as(from), as_bytes("done")}, nullptr,
                             node.now_ns);
    };
    SECTION("the node answers") {
        answer(first);
        CHECK(node.host.cold == std::vector<bool>{true});
    }
    SECTION("the node fails it, and another one runs it") {
        node.fail(first, errc::unavailable, true);
        auto& second = node.other_than(first);
        REQUIRE(entry.via == &second);
        node.routing.cold(first, two_others::sent_as(first));  // late
        answer(second);
        CHECK(node.host.cold == std::vector<bool>{false});
    }
}

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

TEST_CASE("a node that refuses a function still gets calls of others, unless it means all") {
    two_others node(once);
    for (const auto instance : {std::uint64_t{2}, std::uint64_t{3}}) {
        auto& link = *node.links_of_lane.find(instance);
        link.incoming = {{"test/f", "1", false}, {"test/g", "1", false}};
        node.routing.catalog_arrived(link, node.now_ns);
    }
    const auto next = [&](std::string_view function) {
        return node.routing.decide(*node.routing.route(function), {}, 0, false, node.now_ns).link;
    };
    auto& refuses = *next("test/g");
    auto& other = node.other_than(refuses);
    const auto refuse = [&](peer_link& by, bool whole_node) {
        wire::failure failure;
        failure.id = two_others::sent_as(by);
        failure.code = static_cast<std::int64_t>(errc::overloaded);
        failure.retry_after_us = 50'000;
        failure.whole_node = whole_node;
        node.routing.failed(by, failure, node.now_ns);
    };
    const bool whole_node = GENERATE(false, true);
    auto& entry = node.call(0);
    node.away.send(entry, refuses, node.now_ns);
    refuse(refuses, whole_node);
    CHECK(entry.via == &other);
    CHECK(node.counters.calls_retried.get() == 1);
    CHECK(next("test/f") == &other);
    CHECK(next("test/g") == (whole_node ? &other : &refuses));

    // The other one refuses another call: it does not go to the one that is full, too, and nothing
    // is taken from the budget of retries.
    auto& second = node.call(0);
    node.away.send(second, other, node.now_ns);
    const auto left = node.asker.retries.left(node.now_ns);
    refuse(other, whole_node);
    REQUIRE(node.host.errors.size() == 1);
    CHECK(node.host.errors.front().code == errc::overloaded);
    CHECK(node.counters.calls_retried.get() == 1);
    CHECK(node.asker.retries.left(node.now_ns) == left);

    node.now_ns += 75'000'000;  // what was asked for, and a half
    CHECK(next("test/g") == &refuses);
}

TEST_CASE("a refused call is answered when another node would be too late") {
    two_others node(once);
    auto& entry = node.call(0);
    entry.invocation().deadline_ns = node.now_ns + 10'000'000;
    auto& first = node.send(entry);
    const bool late = GENERATE(false, true);
    node.now_ns += late ? 5'000'000 : 4'000'000;
    node.fail(first, errc::overloaded, true);
    CHECK(node.host.errors.size() == (late ? 1 : 0));
    CHECK(node.counters.calls_retried.get() == (late ? 0 : 1));
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

TEST_CASE("the owner of a key in a space is one of those that have the space") {
    two_others node(once);
    const std::vector<std::string> function{"test/f"};
    const std::vector<std::string> both{"test/f", "space:orders"};
    auto view = std::make_shared<cluster_view>();
    view->members = {{1, "this", {"tcp://127.0.0.1:1"}, false, cluster::served_set::of({})},
                     {2, "second", {"tcp://127.0.0.1:1"}, false, cluster::served_set::of(function)},
                     {3, "third", {"tcp://127.0.0.1:1"}, false, cluster::served_set::of(both)}};
    node.see(view, node.now_ns);
    const auto owners = [&] {
        std::set<std::uint64_t> found;
        for (int i = 0; i < 40; ++i) {
            const auto key = "key " + std::to_string(i);
            const auto to = node.routing.decide(*node.routing.route_of_key("test/f"), as_bytes(key),
                                                0, false, node.now_ns);
            REQUIRE(to.what == destination::kind::there);
            found.insert(to.link->instance);
        }
        return found;
    };
    CHECK(owners() == std::set<std::uint64_t>{2, 3});
    for (const auto instance : {std::uint64_t{2}, std::uint64_t{3}}) {
        auto& link = *node.links_of_lane.find(instance);
        link.incoming = {{"test/f", "2", false, "number", "orders"}};
        node.routing.catalog_arrived(link, node.now_ns);
    }
    CHECK(node.routing.route_of_key("test/f")->key_field == "number");
    CHECK(owners() == std::set<std::uint64_t>{3});
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

TEST_CASE("a call that the owner of its key refuses is told what the owner says") {
    two_others node(once);
    const std::string key = "key";
    const auto to = node.routing.decide(*node.routing.route_of_key("test/f"), as_bytes(key), 0,
                                        false, node.now_ns);
    REQUIRE(to.what == destination::kind::there);
    auto& owner = *to.link;
    auto& entry = node.call(0, key);
    node.away.send(entry, owner, node.now_ns);

    SECTION("because it leaves, as it may seem: when nothing else has come of it") {
        node.fail(owner, errc::unavailable, true);
        CHECK(node.host.errors.empty());
        static_cast<void>(node.routing.advance(node.now_ns + owner_wait::wait_max_ns));
    }
    SECTION("for good: at once") {
        node.fail(owner,
                  GENERATE(errc::overloaded, errc::permission_denied, errc::invalid_argument),
                  true);
    }
    REQUIRE(node.host.errors.size() == 1);
    CHECK(node.host.errors.front().detail == "told by " + owner.name);
    CHECK(node.host.errors.front().did_not_run);
    CHECK(node.away.count() == 0);
}
