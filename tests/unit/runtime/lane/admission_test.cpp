// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/admission.hpp"

#include "tests/unit/runtime/lane/lane_parts.hpp"

#include <cstring>

using namespace dunlin;
using namespace dunlin::runtime;
using namespace std::chrono_literals;

namespace {

/// A frame that is being read: its calls are taken one after the other.
struct frame_of_calls {
    explicit frame_of_calls(lane_parts& of, std::size_t bytes = 64, const frame_owner& by = {})
        : at(of),
          memory(new budgeted_frame(zmq::message_t(bytes), of.budget, by)) {
        into.envelopes_expected = 8;
    }
    ~frame_of_calls() { memory->release(); }
    frame_of_calls(const frame_of_calls&) = delete;
    frame_of_calls& operator=(const frame_of_calls&) = delete;

    void take(peer& from, const wire::invoke& call) { at.admits.take(from, call, into); }
    void end() { at.admits.submit(into); }

    lane_parts& at;
    budgeted_frame* memory;
    gathering into{*memory};
};

/// A lane with a function that says what it was given, and one peer.
struct admitting : lane_parts {
    lines ran;
    actors::pool& echo = serve("a/echo",
                               [this](testing::call_view call) {
                                   ran.emplace_back(call.payload);
                                   return call.reply(call.payload);
                               },
                               {.activations = 1, .queue_depth_max = 3});
    peer& shop = connect("shop");

    admitting() { measure(echo); }
    /// As short: what is not measured yet travels alone.
    static void measure(actors::pool& pool) {
        constexpr std::int64_t short_ns = 1000;
        pool.runs().began(short_ns, 1);
    }
    /// One call in a frame of its own. @returns what the peer is told of it at once.
    lines take(const wire::invoke& call) {
        frame_of_calls frame(*this);
        frame.take(shop, call);
        frame.end();
        return told("shop");
    }
};

/// Two members, of which `n1` is this node, and `n2` cannot be reached.
std::shared_ptr<const cluster_view> with_another(std::uint64_t number) {
    auto view = std::make_shared<cluster_view>();
    view->number = number;
    view->members = {{1, "n1", {"tcp://127.0.0.1:1"}, false},
                     {2, "n2", {"tcp://127.0.0.1:2"}, false}};
    return view;
}

}  // namespace

TEST_CASE("calls of one function that follow each other travel in one bundle") {
    admitting at;
    frame_of_calls frame(at);
    frame.take(at.shop, call_to("a/echo", 1, "one"));
    frame.take(at.shop, call_to("a/echo", 2, "two"));
    REQUIRE(frame.into.work);
    CHECK(frame.into.work->size() == 2);
    at.run();
    CHECK(at.ran.empty());
    frame.end();
    CHECK_FALSE(frame.into.work);
    at.run();
    CHECK(at.ran == lines{"one", "two"});
    CHECK(at.told("shop") == lines{"reply 1 one", "reply 2 two"});
    CHECK(at.counters.invocations_received.get() == 2);
    CHECK(at.shop.in_flight == 0);
}

TEST_CASE("a call of another function sends off the bundle that was being filled") {
    admitting at;
    admitting::measure(
        at.serve("a/other", [](testing::call_view call) { return call.reply("other"); }));
    frame_of_calls frame(at);
    frame.take(at.shop, call_to("a/echo", 1, "one"));
    frame.take(at.shop, call_to("a/other", 2));
    REQUIRE(frame.into.work);
    CHECK(frame.into.work->size() == 1);
    at.run();
    CHECK(at.told("shop") == lines{"reply 1 one"});
    frame.end();
    at.run();
    CHECK(at.told("shop") == lines{"reply 2 other"});
}

TEST_CASE("what does not fit into the queue is shed at once, and runs nowhere") {
    admitting at;
    frame_of_calls first(at);
    first.take(at.shop, call_to("a/echo", 7, "x"));  // takes the one activation
    first.end();
    frame_of_calls frame(at);
    for (std::uint64_t id = 1; id <= 6; ++id) frame.take(at.shop, call_to("a/echo", id, "x"));
    frame.end();
    const auto told = at.told("shop");
    CHECK(told.size() >= 2);
    for (const auto& each : told) CHECK_THAT(each, Catch::StartsWith("failure"));
    at.run();
    CHECK(at.ran.size() == 7 - told.size());
    CHECK(at.told("shop").size() == at.ran.size());
    CHECK(at.calls.ledger().open_count() == 0);
}

TEST_CASE("a call that is over, too large or one too many is refused with the reason") {
    admitting at;
    at.shop.late_ns = 5'000'000;
    auto late = call_to("a/echo", 1);
    late.remaining_us = 3'000;
    CHECK(at.take(late) == lines{"failure 1 the deadline of a/echo passed 2 ms before its call was "
                                 "read; it did not run"});
    CHECK(at.counters.calls_overdue.get() == 1);
    const std::string large(test_payload_bytes_max + 1, 'x');
    CHECK(at.take(call_to("a/echo", 2, large)) ==
          lines{"failure 2 payload of 1025 bytes exceeds the node's limit of 1024"});
    at.shop.in_flight = test_in_flight_max;
    CHECK(at.take(call_to("a/echo", 3)) ==
          lines{"failure 3 this connection has 10 calls unanswered, the most it may; wait for "
                "some"});
    at.shop.in_flight = 0;
    at.run();
    CHECK(at.ran.empty());
}

TEST_CASE("a deadline counts from when the frame is read, without what the frame took longer") {
    admitting at;
    at.shop.late_ns = 5'000'000;
    auto call = call_to("a/echo", 1);
    call.remaining_us = 8'000;
    frame_of_calls frame(at);
    frame.take(at.shop, call);
    CHECK((*frame.into.work)[0].deadline_ns == at.clock.now_ns() + 3'000'000);
    CHECK((*frame.into.work)[0].arrived_ns == at.clock.now_ns());
    frame.end();
    at.run();
}

TEST_CASE("an unknown function's caller hears the nearest name, a few times in a turn") {
    admitting at;
    frame_of_calls frame(at);
    lines names;  // as they stand in the frame
    for (std::uint64_t id = 1; id <= 10; ++id) names.push_back("a/ech" + std::to_string(id));
    for (std::uint64_t id = 1; id <= 10; ++id) frame.take(at.shop, call_to(names[id - 1], id));
    auto told = at.told("shop");
    REQUIRE(told.size() == 10);
    CHECK_THAT(told.front(), Catch::Contains("a/echo"));
    CHECK_THAT(told.back(), !Catch::Contains("a/echo"));
    // The next turn counts anew.
    frame.take(at.shop, call_to("a/ech", 11));
    told = at.told("shop");
    CHECK_THAT(told.front(), Catch::Contains("a/echo"));
}

TEST_CASE("a call in a frame that does not fit beside the others is shed, the node's own is not") {
    admitting at;
    auto info = at.harness.function("dunlin/self",
                                    [](testing::call_view call) { return call.reply("self"); });
    info.module_name = "dunlin";
    at.functions.add(std::make_unique<actors::pool>(at.harness.system(), at.harness.env(),
                                                    std::move(info),
                                                    actors::scale_settings{.min = 1, .max = 1}, 4));
    frame_of_calls frame(at, (1 << 20) + 1);
    frame.take(at.shop, call_to("a/echo", 1));
    frame.take(at.shop, call_to("dunlin/self", 2));
    frame.end();
    at.run();
    const auto told = at.told("shop");
    REQUIRE(told.size() == 2);
    CHECK_THAT(told[0], Catch::Contains("queue_bytes_max"));
    CHECK(told[1] == "reply 2 self");
}

TEST_CASE("a caller that holds its share of the memory is refused, the next one is not") {
    admitting at;
    auto& other = at.connect("other");
    at.shop.open_account(at.budget.accounts());
    other.open_account(at.budget.accounts());
    std::vector<budgeted_frame*> held;
    constexpr std::size_t frame_bytes = 64 << 10;
    do held.push_back(new budgeted_frame(zmq::message_t(frame_bytes), at.budget, at.shop.owner()));
    while (held.back()->fits());
    held.back()->release();
    held.pop_back();
    CHECK(held.size() >= 12);  // of sixteen that the budget would have room for
    {
        frame_of_calls frame(at, frame_bytes, at.shop.owner());
        frame.take(at.shop, call_to("a/echo", 1));
        frame.end();
        const auto told = at.told("shop");
        REQUIRE(told.size() == 1);
        CHECK_THAT(told[0], Catch::Contains("share of the node's memory"));
        CHECK_THAT(told[0], Catch::Contains("queue_bytes_max"));
    }
    {
        frame_of_calls frame(at, frame_bytes, other.owner());
        frame.take(other, call_to("a/echo", 1, "room"));
        frame.end();
        at.run();
        CHECK(at.told("other") == lines{"reply 1 room"});
    }
    for (auto* each : held) each->release();
    frame_of_calls frame(at, frame_bytes, at.shop.owner());
    frame.take(at.shop, call_to("a/echo", 2, "again"));
    frame.end();
    at.run();
    CHECK(at.told("shop") == lines{"reply 2 again"});
}

TEST_CASE(
    "a node that drains takes calls of those only who cannot know it, one that ends of nobody") {
    admitting at;
    at.admits.drain();
    CHECK(at.take(call_to("a/echo", 1)) ==
          lines{"failure 1 node n1 is draining; the call did not run"});
    // What a node says of itself it says until it ends.
    CHECK_THAT(at.take(call_to("dunlin/stats", 2)).at(0), Catch::Contains("no function"));
    at.shop.drain_due = true;
    CHECK(at.take(call_to("a/echo", 3, "three")).empty());
    at.admits.stop();
    at.admits.drain();
    CHECK(at.take(call_to("a/echo", 4)) == lines{"failure 4 node n1 stops; the call did not run"});
    CHECK(at.take(call_to("dunlin/stats", 5)) ==
          lines{"failure 5 node n1 stops; the call did not run"});
    at.run();
    CHECK(at.told("shop") == lines{"reply 3 three"});
}

TEST_CASE("a call that arrives again while the first runs waits for its answer") {
    admitting at;
    auto call = call_to("a/echo", 1, "once");
    call.origin = 70;
    call.origin_id = 8;
    CHECK(at.take(call).empty());
    call.id = 2;
    CHECK(at.take(call).empty());
    CHECK(at.shop.in_flight == 2);
    at.run();
    auto told = at.told("shop");
    std::sort(told.begin(), told.end());
    CHECK(told == lines{"reply 1 once", "reply 2 once"});
    CHECK(at.ran == lines{"once"});
    // One that was refused has left no trace.
    call.origin_id = 9;
    call.remaining_us = 1;
    at.shop.late_ns = 1'000'000;
    CHECK_THAT(at.take(call).at(0), Catch::Contains("did not run"));
    at.shop.late_ns = 0;
    call.remaining_us = 0;
    call.id = 3;
    static_cast<void>(at.take(call));
    at.run();
    CHECK(at.told("shop") == lines{"reply 3 once"});
}

TEST_CASE("a call with a key whose owner is out of reach waits for it, and does not run here") {
    std::deque<std::string> keys;  // of calls that wait
    admitting at;
    at.over.set_members(*with_another(1), at.clock.now_ns());
    at.routing.set_view(with_another(1), at.clock.now_ns());
    // Of many keys some belong to this node and some to the other.
    std::size_t here = 0;
    for (std::uint64_t id = 1; id <= 64; ++id) {
        auto call = call_to("a/echo", id, "x");
        call.key = as_bytes(keys.emplace_back(std::to_string(id)));
        frame_of_calls frame(at);
        frame.take(at.shop, call);
        frame.end();
        at.run();
        here += at.told("shop").size();
        at.shop.in_flight = 0;  // as many as it likes
    }
    CHECK(here == at.ran.size());
    CHECK(here > 0);
    const auto waiting = at.calls.ledger().open_count();
    CHECK(waiting == 64 - here);
    at.advance(2s);
    at.shop.in_flight = waiting;
    static_cast<void>(at.routing.advance(at.clock.now_ns()));
    const auto told = at.told("shop");
    CHECK(told.size() == waiting);
    for (const auto& each : told) CHECK_THAT(each, Catch::StartsWith("failure"));
    CHECK(at.calls.ledger().open_count() == 0);
    CHECK(at.ran.size() == here);
}

TEST_CASE("a function's call goes to a pool of this node, or is told why it goes nowhere") {
    admitting at;
    const auto take = [&](std::string function) {
        std::uint32_t ticket = 0;
        travelling_call call{std::move(function), at.harness.bundle_of({"inside"}, &ticket)};
        at.admits.take(call);
        at.run();
        return at.harness.outcome(ticket);
    };
    CHECK(take("a/echo") == "ok: inside");
    CHECK(at.ran == lines{"inside"});
    CHECK_THAT(take("a/ech"), Catch::StartsWith("not_found"));
    CHECK(at.calls.ledger().open_count() == 0);
    at.admits.stop();
    CHECK(take("a/echo") == "unavailable: node n1 stops; the call did not run");
}

TEST_CASE("a function's call that waits for an owner can be withdrawn, before it left and after") {
    admitting at;
    at.over.set_members(*with_another(1), at.clock.now_ns());
    at.routing.set_view(with_another(1), at.clock.now_ns());
    std::uint32_t ticket = 0;
    actors::bundle_ptr single;
    std::string key;
    // The first key that belongs to the other node.
    for (int tries = 0; at.calls.ledger().open_count() == 0; ++tries) {
        REQUIRE(tries < 64);
        key = std::to_string(tries);
        single = at.harness.bundle_of({"inside"}, &ticket);
        (*single)[0].key = as_bytes(key);
        travelling_call call{"a/echo", single};
        at.admits.take(call);
        at.run();
    }
    CHECK(at.harness.outcome(ticket) == "open");
    CHECK((*single)[0].carrier.load() == &at.calls);
    at.calls.withdraw((*single)[0].carried, errc::cancelled);
    CHECK(at.harness.outcome(ticket) == "cancelled: its caller stopped waiting");
    // What stopped it saw no carrier yet.
    single = at.harness.bundle_of({"inside"}, &ticket);
    (*single)[0].key = as_bytes(key);
    static_cast<void>((*single)[0].stop.request(errc::deadline_exceeded));
    travelling_call call{"a/echo", single};
    at.admits.take(call);
    CHECK(at.harness.outcome(ticket) == "deadline_exceeded: its caller stopped waiting");
    CHECK(at.calls.ledger().open_count() == 0);
}
