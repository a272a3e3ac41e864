// SPDX-License-Identifier: Apache-2.0
#include "client/fleet.hpp"

#include "cluster/key_owners.hpp"
#include "fake_fleet.hpp"
#include "tests/support/catch.hpp"

#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::link;
using dunlin::tests::fake_channel;
using dunlin::tests::fake_fleet;
using instances = std::set<std::uint64_t>;

TEST_CASE_METHOD(fake_fleet, "fleet gives every call to its only node, up to that node's limit") {
    CHECK(pick("t/again") == 0);
    connect();
    CHECK_FALSE(fleet.many());
    CHECK(pick("t/again") == 1);
    CHECK(pick("t/again", "some key") == 1);
    node(1).in_flight = node(1).in_flight_max;
    CHECK(pick("t/again") == 0);
    CHECK(fleet.full() ==
          error{errc::overloaded,
                "node n1 has its limit of 1000 unanswered calls on each connection already"});
}

TEST_CASE_METHOD(fake_fleet, "fleet connects to the members that a node tells of, and uses them") {
    connect_all(3);
    CHECK(fleet.many());
    CHECK(fleet.all());
    CHECK(fleet.nodes() == 3);
    CHECK(picked("t/again") == instances{1, 2, 3});
    CHECK(fleet.idempotent(fleet.pick("t/again", {}, nullptr, now)));
    CHECK_FALSE(fleet.idempotent(fleet.pick("t/once", {}, nullptr, now)));
}

TEST_CASE_METHOD(fake_fleet, "fleet does not pick a node where a call was already") {
    connect_all(3);
    kept_call before;
    before.begin({}, {}, 2);
    before.note_tried(1);
    before.note_tried(3);
    CHECK(fleet.pick("t/again", {}, &before, now).on == &node(2));
    before.note_tried(2);
    CHECK(fleet.pick("t/again", {}, &before, now).on == nullptr);
}

TEST_CASE_METHOD(fake_fleet, "fleet picks the owner of a key, and another while that is full") {
    connect_all(3);
    cluster::key_owners owners;
    owners.assign({{1, fake_fleet::endpoint_of(1), false, {}},
                   {2, fake_fleet::endpoint_of(2), false, {}},
                   {3, fake_fleet::endpoint_of(3), false, {}}});
    for (int i = 0; i < 30; ++i) {
        const auto key = "key " + std::to_string(i);
        const auto owner = owners.owner("t/once", key);
        CHECK(pick("t/once", key) == owner);
        node(owner).in_flight = node(owner).in_flight_max;
        CHECK(pick("t/once", key) != owner);
        CHECK(pick("t/once", key) != 0);
        node(owner).in_flight = 0;
    }
}

TEST_CASE_METHOD(fake_fleet,
                 "fleet gives no call to a node that drains, and hands its channel out") {
    connect_all(3);
    CHECK(fleet.take_vacated().empty());
    tell(1, {1, 2, 3}, {2});
    CHECK(fleet.take_vacated() == std::vector<channel*>{&node(2)});
    CHECK(node(2).now == channel::phase::live);
    CHECK(picked("t/again") == instances{1, 3});
    for (int i = 0; i < 30; ++i) CHECK(pick("t/once", "key " + std::to_string(i)) != 2);
    tell(3, {1, 2, 3}, {2});
    CHECK(fleet.take_vacated().empty());
}

TEST_CASE_METHOD(fake_fleet, "fleet retires the channel to a member that is no more") {
    connect_all(3);
    tell(1, {1, 3});
    tell(2, {1, 3});
    CHECK(fleet.take_vacated() == std::vector<channel*>{&node(2)});
    CHECK(node(2).now == channel::phase::leaving);
    CHECK(node(2).node == nullptr);
    CHECK(fleet.nodes() == 2);
    CHECK(picked("t/again") == instances{1, 3});
    CHECK(node(1).problem().empty());
}

TEST_CASE_METHOD(fake_fleet, "fleet does without a node that says that it leaves, on all lanes") {
    connect_all(2);
    fleet.goaway(node(1), static_cast<std::int64_t>(errc::unavailable), "stopping", now);
    CHECK(fleet.take_vacated() == std::vector<channel*>{&node(1)});
    CHECK(node(1).said_goaway);
    CHECK(node(1).problem().empty());
    CHECK(picked("t/again") == instances{2});
    // A node that has forgotten this client has forgotten its calls: the channel has failed.
    fleet.goaway(node(2), static_cast<std::int64_t>(errc::unauthenticated), "who?", now);
    CHECK(node(2).problem() == "the node does not know us: who?");
}

TEST_CASE_METHOD(fake_fleet, "fleet connects again to a node that was lost, and counts it") {
    connect_all(2);
    node(2).give_up("the connection was closed");
    fleet.lost(node(2), now);
    fleet.refresh(now);
    CHECK(fleet.nodes() == 1);
    CHECK(picked("t/again") == instances{1});
    CHECK(fleet.reconnects() == 0);
    now = fleet.plan().next_action();
    connect();
    CHECK(fleet.nodes() == 2);
    CHECK(fleet.reconnects() == 1);
    CHECK(fleet.why_unreached("x", " within 1 s") ==
          "no node answered at x within 1 s; last: tcp://node.test:2: the connection was closed");
}

TEST_CASE_METHOD(fake_fleet, "fleet avoids a node that is late with the answer to a ping") {
    connect_all(2);
    auto& late = node(1);
    const auto look = [&](std::chrono::milliseconds after) {
        now += after;
        return late.pulse.look(true, ns(now));
    };
    using said = cluster::pulse::verdict;
    using namespace std::chrono_literals;
    CHECK(look(0ms) == said::well);
    CHECK(look(101ms) == said::ping);
    CHECK(look(101ms) == said::late);
    fleet.update_late(late);
    CHECK(picked("t/again") == instances{2});
    fleet.heard(late, now);
    CHECK(picked("t/again").count(1) == 1);
}

TEST_CASE_METHOD(fake_fleet, "fleet asks a node at once that the others do not name") {
    connect_all(3);
    tell(2, {1, 2, 3});
    CHECK_FALSE(node(3).pulse.doubted());
    tell(1, {1, 2});
    CHECK_FALSE(node(3).pulse.doubted());
    tell(3, {1, 2, 3});  // itself only: it is still a member, but nobody else says so
    tell(2, {1, 2});
    CHECK(node(3).pulse.doubted());
    CHECK_FALSE(node(2).pulse.doubted());
}

TEST_CASE_METHOD(fake_fleet, "fleet gives up a node that lists more functions than it says") {
    auto& from = connect();
    const std::vector<wire::catalog_item> two{{"t/a", "1", 0}, {"t/b", "1", 0}};
    const auto total = GENERATE(1u, 2u, 3u);
    for (const std::uint32_t first : {0u, 2u}) {
        // The second part says that there are fewer than the first had, or has one too many.
        const auto said = first == 0 && total != 1 ? 3u : total;
        as_list({.first = first, .total = said}, two, [&](const wire::item_list& items) {
            CHECK_FALSE(fleet.take_catalog(from, items));
        });
    }
    CHECK(from.problem() == "the node lists more functions than it says there are");
    CHECK(from.catalog.empty());
}

TEST_CASE_METHOD(fake_fleet, "fleet prefers the node that says that calls wait less") {
    connect_all(2);
    const auto report = [&](std::uint64_t from, std::uint64_t wait_ns, std::uint32_t idle) {
        const wire::load_item load{
            .function = 0, .wait_ns = wait_ns, .step_ns = 1'000'000, .idle = idle};
        wire::frame_buffer frame;
        append(frame, std::span(&load, 1));
        wire::frame_reader reader(frame.view());
        REQUIRE(reader.next() == wire::read_status::envelope);
        fleet.take_loads(node(from), reader.items(), now);
    };
    report(1, 500'000'000, 0);
    report(2, 0, 1000);
    CHECK(picked("t/again") == instances{2});
}

TEST_CASE_METHOD(fake_fleet, "fleet takes neither another version nor another cluster") {
    const auto refused_by = [&](auto&& change) {
        fake_channel from(9, fleet.plan().next_attempt(now).value().lane);
        auto envelope = welcome_of(from);
        change(envelope);
        fleet.welcome(from, envelope, now);
        CHECK(fleet.nodes() == 0);
        fleet.lost(from, now);
        now = fleet.plan().next_action();
        return from.problem();
    };
    CHECK(refused_by([](auto& envelope) { envelope.version = 77; }) ==
          "the node speaks version 77 of the protocol, this client version " +
              std::to_string(wire::protocol_version));
    CHECK(refused_by([](auto& envelope) { envelope.cluster = {}; }) ==
          "refused: the node at tcp://node.test:7440 belongs to no cluster, this client wants "
          "fakes");
    CHECK(refused_by([](auto& envelope) { envelope.cluster = "others"; }) ==
          "refused: the node at tcp://node.test:7440 belongs to cluster others, this client wants "
          "fakes");
    std::mutex mutex;
    std::unique_lock held(mutex);
    CHECK(fleet.wait_reached(held, std::chrono::milliseconds(0), {}).error().code ==
          errc::unauthenticated);
}
