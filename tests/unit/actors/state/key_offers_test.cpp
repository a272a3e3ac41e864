// SPDX-License-Identifier: Apache-2.0
//
// Keys that were another node's and are named to this one.
#include "actors/key_offers.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/state_harness.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;

namespace {

std::int64_t lease_time_ns = 1000;
std::int64_t lease_clock() noexcept { return lease_time_ns; }

/// A node that is about to own all keys of a space, of which the store has many.
struct new_owner {
    actor_harness h;
    function_info showing = keyed_function(
        h, "test/show", [](call_view c) { return c.reply(state_of(c)); }, "texts", false);
    manual_state state{{&showing}};
    std::shared_ptr<node_lease> lease = std::make_shared<node_lease>(&lease_clock);
    state_space& space = *state.space("texts");
    pool& shows;
    std::shared_ptr<key_offers> offers;

    explicit new_owner(key_offers::limits limits = {.loads_max = 4}) : shows((share(), make())) {
        offers = std::make_shared<key_offers>(std::vector{key_handover(space)}, limits);
        for (int i = 0; i < 20; ++i) state.put("texts", key(i), "value " + std::to_string(i));
    }
    void share() {
        space.share(std::make_shared<key_rights>(lease));
        set(key_right::foreign);
    }
    pool& make() {
        h.state = &state;
        return h.make_pool(showing);
    }
    void set(key_right right) {
        lease->decides();
        lease->set(1, lease_time_ns + 60'000'000'000, lease_time_ns + 60'000'000'000);
        for (std::uint32_t at = 0; at < cluster::partition_count; ++at)
            space.sharing()->rights().set(at, right);
    }
    void owns() {
        set(key_right::own);
        offers->rights_changed();
    }
    static std::string key(int number) { return "key " + std::to_string(number); }
    void offer(int from, int to) {
        std::vector<std::string> names;
        for (int i = from; i < to; ++i) names.push_back(key(i));
        offers->came("texts", {names.begin(), names.end()});
    }
    std::size_t read_all() {
        std::size_t all = 0;
        while (const auto count = state.read()) all += count;
        return all;
    }
    /// What a call finds. Nothing is read for it.
    std::string show(int number) {
        const auto ticket = call_with_key(h, shows, key(number), "");
        h.run();
        return h.outcome(ticket);
    }
};

}  // namespace

TEST_CASE("keys that a node is offered are read before calls come, and count as no turns") {
    new_owner t;
    t.owns();
    t.offer(0, 3);
    CHECK(t.read_all() == 3);
    CHECK(t.show(2) == "ok: value 2");
    const auto seen = t.space.look();
    CHECK(seen.counted.taken == 3);
    CHECK(seen.counted.reads == 3);
    CHECK(seen.counted.found == 1);
    CHECK(seen.counted.missed == 0);
    CHECK(seen.counted.turns == 1);
    CHECK(seen.keys == 3);
}

TEST_CASE("no more values are on their way at once than may") {
    new_owner t;
    t.owns();
    t.offer(0, 11);
    CHECK(t.state.read() == 4);
    CHECK(t.state.read() == 4);
    CHECK(t.state.read() == 3);
    CHECK(t.state.read() == 0);
}

TEST_CASE("a key is read once, for the offer and for calls that come meanwhile") {
    new_owner t;
    t.owns();
    t.offer(0, 1);
    const auto call = call_with_key(t.h, t.shows, new_owner::key(0), "");
    t.offer(0, 1);
    CHECK(t.read_all() == 1);
    t.h.run();
    CHECK(t.h.outcome(call) == "ok: value 0");
    t.offer(0, 1);
    CHECK(t.read_all() == 0);
    CHECK(t.space.look().counted.taken == 1);
}

TEST_CASE("what is offered before the node owns it is read when it does, and forgotten in time") {
    new_owner t;
    t.offer(0, 3);
    CHECK(t.read_all() == 0);
    CHECK(t.space.look().keys == 0);
    SECTION("it comes to own it") {
        t.owns();
        CHECK(t.read_all() == 3);
    }
    SECTION("it comes to own it when nobody needs that any more") {
        lease_time_ns += 5'000'000'000;
        t.set(key_right::foreign);
        t.offers->rights_changed();
        t.owns();
        CHECK(t.read_all() == 0);
    }
    SECTION("it ends") {
        t.offers->end();
        t.owns();
        CHECK(t.read_all() == 0);
    }
}

TEST_CASE("a value that cannot be read ends its part of an offer and no more") {
    new_owner t;
    t.owns();
    t.offer(0, 6);
    t.state.fail_reads("no store");
    CHECK(t.state.read() == 2);
    const auto call = call_with_key(t.h, t.shows, new_owner::key(0), "");
    CHECK(t.read_all() == 1);
    t.h.run();
    CHECK(t.h.outcome(call) == "ok: value 0");
}

TEST_CASE("offers of spaces that are not here, and of more keys than may wait, are left out") {
    new_owner t({.keys_max = 5, .loads_max = 100});
    t.offers->came("others", {std::string_view("k")});
    t.offer(0, 20);
    t.owns();
    CHECK(t.read_all() == 5);
}

TEST_CASE("keys that another node owns by now are told by how hot they are, once") {
    new_owner t;
    t.owns();
    t.offer(0, 5);
    t.read_all();
    t.set(key_right::leaving);
    hottest_keys hottest;
    const key_handover handover(t.space);
    static_cast<void>(handover.rights_changed(&hottest, 0));
    CHECK(hottest.take().empty());
    t.set(key_right::foreign);
    static_cast<void>(handover.rights_changed(&hottest, 0));
    CHECK(hottest.take().at(0).size() == 5);
    static_cast<void>(handover.rights_changed(&hottest, 0));
    CHECK(hottest.take().empty());
    handover.note_offered(5);
    CHECK(t.space.look().counted.offered == 5);
}
