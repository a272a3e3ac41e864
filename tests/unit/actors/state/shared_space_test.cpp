// SPDX-License-Identifier: Apache-2.0
//
// A space whose store other nodes use, too: turns that did not count run again, and what is in
// memory is used only as long as the node owns its key.
#include "actors/key_handover.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/state_harness.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;

namespace {

std::int64_t lease_time_ns = 1000;
std::int64_t lease_clock() noexcept { return lease_time_ns; }

/// One node's view of a space that others write to: `t.state.put` is another node.
struct shared_space {
    actor_harness h;
    function_info appending = keyed_function(h, "test/append", [](call_view c) {
        auto& value = state_of(c);
        value += c.payload;
        return c.reply(value);
    });
    function_info showing = keyed_function(
        h, "test/show", [](call_view c) { return c.reply(state_of(c)); }, "texts", false);
    function_info asking = keyed_function(h, "test/ask", [](call_view c) {
        state_of(c) += c.payload;
        c.invoke("other/function", "",
                 [c](std::int32_t, const std::string&) { c.finish("asked"); });
        return DUNLIN_PENDING;
    });
    manual_state state{{&appending, &showing, &asking}};
    std::shared_ptr<node_lease> lease = std::make_shared<node_lease>(&lease_clock);
    state_space& space = *state.space("texts");
    key_handover handover{space};
    pool& appends;
    pool& shows;
    pool& asks;

    shared_space()
        : appends((share(), make(appending))),
          shows(make(showing)),
          asks(make(asking)) {}

    void share() {
        space.share(std::make_shared<key_rights>(lease));
        owns(key_right::own);
    }
    pool& make(const function_info& of) {
        h.state = &state;
        return h.make_pool(of);
    }
    /// As a keeper decides, with a lease of a second from now on.
    std::vector<key_turns::waiter> owns(key_right right, std::uint32_t epoch = 1) {
        lease->decides();
        lease->set(epoch, lease_time_ns + 1'000'000'000, lease_time_ns + 1'000'000'000);
        for (std::uint32_t at = 0; at < cluster::partition_count; ++at)
            space.sharing()->rights().set(at, right);
        return handover.rights_changed();
    }
    std::uint32_t append_to(std::string_view key, std::string_view text) {
        return call_with_key(h, appends, key, text);
    }
    std::uint32_t show(std::string_view key) { return call_with_key(h, shows, key, ""); }
    std::string told(std::uint32_t ticket) {
        state.settle(h);
        return h.outcome(ticket);
    }
};

}  // namespace

TEST_CASE("calls that another node's write came before run again, in order, with what it wrote") {
    shared_space t;
    CHECK(t.told(t.append_to("k", "a")) == "ok: a");
    const auto first = t.append_to("k", "b");
    const auto second = t.append_to("k", "c");
    t.h.run();
    CHECK(t.state.write_begins() == 1);
    const auto third = t.append_to("k", "d");
    t.h.run();
    t.state.put("texts", "k", "x");
    t.state.write_ends();
    CHECK(t.h.outcome(first) == "open");
    const auto fourth = t.append_to("k", "e");
    t.state.settle(t.h);
    CHECK(t.h.outcome(first) == "ok: xb");
    CHECK(t.h.outcome(second) == "ok: xbc");
    CHECK(t.h.outcome(third) == "ok: xbcd");
    CHECK(t.h.outcome(fourth) == "ok: xbcde");
    CHECK(t.state.stored("texts", "k") == "xbcde");
    CHECK(t.space.look().counted.conflicts == 1);
    CHECK(t.h.answers.count(first) == 1);
}

TEST_CASE(
    "a turn that is under way when another node's write is found runs again behind the others") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    const auto first = t.append_to("k", "b");
    t.h.run();
    CHECK(t.state.write_begins() == 1);
    const auto under_way = call_with_key(t.h, t.asks, "k", "q");
    t.h.run();
    t.state.put("texts", "k", "x");
    t.state.write_ends();
    t.state.settle(t.h);
    CHECK(t.h.outcome(first) == "open");
    t.h.router.calls.front().reply("");
    t.state.settle(t.h);
    CHECK(t.h.outcome(first) == "ok: xb");
    // It has called another function, and would do so twice.
    CHECK(t.h.outcome(under_way).starts_with("conflict: another node has changed the same key"));
    CHECK(t.state.stored("texts", "k") == "xb");
}

TEST_CASE("a call runs three times at most, and is answered with a conflict then") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    const auto call = t.append_to("k", "b");
    for (int other = 0; other < 3; ++other) {
        INFO("turn " << other + 1);
        CHECK(t.h.outcome(call) == "open");
        t.h.run();
        t.state.read();
        t.h.run();
        REQUIRE(t.state.write_begins() == 1);
        t.state.put("texts", "k", "x" + std::to_string(other));
        t.state.write_ends();
    }
    CHECK(t.h.outcome(call).starts_with("conflict: "));
    CHECK(t.told(t.append_to("k", "c")) == "ok: x2c");
}

TEST_CASE("what only looks at a value that was refused runs again, too") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    t.append_to("k", "b");
    const auto looks = t.show("k");
    t.h.run();
    CHECK(t.state.write_begins() == 1);
    t.state.put("texts", "k", "x");
    t.state.write_ends();
    CHECK(t.told(looks) == "ok: xb");
}

TEST_CASE("a node whose lease is over answers nothing from memory") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    CHECK(t.told(t.show("k")) == "ok: a");
    lease_time_ns += 2'000'000'000;
    t.state.put("texts", "k", "of another");
    const auto late = t.show("k");
    CHECK(t.told(late) == "open");
    CHECK(t.owns(key_right::own, 2).empty());
    CHECK(t.told(late) == "ok: of another");
}

TEST_CASE("a node that is stopped after a call got its key does not answer from memory") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    const auto call = t.show("k");  // it has the key, and waits for an activation
    lease_time_ns += 2'000'000'000;
    t.state.put("texts", "k", "of another");
    CHECK(t.told(call) == "open");
    CHECK(t.owns(key_right::own, 2).empty());
    CHECK(t.told(call) == "ok: of another");
    CHECK(t.shows.status().queued == 0);
}

TEST_CASE("what was stored when the lease was over is not acknowledged") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    const auto call = t.append_to("k", "b");
    t.h.run();
    CHECK(t.state.write_begins() == 1);
    lease_time_ns += 2'000'000'000;
    t.state.write_ends();
    CHECK(t.h.outcome(call).starts_with("unavailable: what the call has changed"));
}

TEST_CASE("among rivals a key is read before each turn") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    CHECK(t.owns(key_right::rival).empty());
    t.state.put("texts", "k", "x");
    CHECK(t.told(t.append_to("k", "b")) == "ok: xb");
    t.state.put("texts", "k", "y");
    ++lease_time_ns;
    CHECK(t.told(t.show("k")) == "ok: y");
    ++lease_time_ns;
    const auto first = t.show("k");
    ++lease_time_ns;
    t.state.put("texts", "k", "z");
    const auto second = t.show("k");
    CHECK(t.told(first) == "ok: z");
    CHECK(t.told(second) == "ok: z");
    // Owned again, nothing that was read by a rival counts.
    t.state.put("texts", "k", "w");
    CHECK(t.owns(key_right::own).empty());
    CHECK(t.told(t.show("k")) == "ok: w");
}

TEST_CASE("what waits at a key that is another node's now moves, and what has begun ends") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    const auto ends = call_with_key(t.h, t.asks, "k", "q");
    const auto moves = t.append_to("k", "b");
    t.h.run();
    auto waiting = t.owns(key_right::leaving);
    REQUIRE(waiting.size() == 1);
    CHECK(as_text(waiting[0].call.call().payload) == "b");
    CHECK(t.handover.busy_leaving() == 1);
    t.h.router.calls.front().reply("");
    t.state.settle(t.h);
    CHECK(t.h.outcome(ends) == "ok: asked");
    CHECK(t.h.outcome(moves) == "open");
    CHECK(t.handover.busy_leaving() == 0);
    CHECK(t.owns(key_right::foreign).empty());
    CHECK(t.state.stored("texts", "k") == "aq");
    // Nothing stays in memory, and what comes all the same waits to be sent on.
    const auto stray = t.append_to("k", "c");
    CHECK(t.told(stray) == "open");
    waiting = t.owns(key_right::foreign);
    REQUIRE(waiting.size() == 1);
    t.state.put("texts", "k", "x");
    CHECK(t.owns(key_right::own).empty());
    CHECK(t.told(t.show("k")) == "ok: x");
}

TEST_CASE("a turn that does not end is given up, and what it does is not stored") {
    shared_space t;
    t.told(t.append_to("k", "a"));
    const auto call = call_with_key(t.h, t.asks, "k", "q");
    t.h.run();
    CHECK(t.owns(key_right::leaving).empty());
    t.handover.give_up_leaving();
    CHECK(t.owns(key_right::foreign).empty());
    t.h.router.calls.front().reply("");
    t.state.settle(t.h);
    CHECK(t.h.outcome(call).starts_with("conflict: "));
    CHECK(t.state.stored("texts", "k") == "a");
}
