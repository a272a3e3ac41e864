// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/links.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/reserved_port.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

struct no_router final : link_user {
    void look_up(const std::string& endpoint) override { asked.push_back(endpoint); }
    void catalog_arrived(peer_link& /*link*/, std::int64_t /*now_ns*/) override {}
    void standing_changed(peer_link& /*link*/) override {}
    void connection_lost(peer_link& /*link*/, bool /*said_goaway*/,
                         std::int64_t /*now_ns*/) override {
        ++lost;
    }
    void forget(peer_link& /*link*/) noexcept override {}

    std::vector<std::string> asked;
    int lost = 0;
};

/// The links of a lane without the lane.
struct lone_links {
    zmq::context_t context;
    no_router user;
    link_counters counters;
    links of_lane{context, user, counters, {"this", "", 1, 0, 1}};
};

cluster_view with_member(const std::string& endpoint) {
    cluster_view view;
    view.members = {{1, "this", {"tcp://127.0.0.1:1"}, false}, {2, "other", {endpoint}, false}};
    return view;
}

}  // namespace

TEST_CASE("links say when one that has just been opened must have been greeted") {
    const tests::reserved_port nobody_listens;
    lone_links lone;
    auto& of_lane = lone.of_lane;
    constexpr std::int64_t began_ns = 1'000'000'000;
    of_lane.set_members(with_member(nobody_listens.endpoint()), began_ns);
    // A lane that knows of nothing else sleeps until then, and no longer.
    const auto due_ns = of_lane.advance(began_ns);
    CHECK(due_ns == began_ns + 2'000'000'000);
    CHECK(of_lane.advance(due_ns) == due_ns);  // given up: closed in this turn
    CHECK(of_lane.advance(due_ns) > due_ns);
    REQUIRE(of_lane.all().size() == 1);
    CHECK(of_lane.all().front()->now == peer_link::phase::waiting);
}

TEST_CASE("names of hosts are looked up, ZeroMQ gets addresses, and other links do not wait") {
    const tests::reserved_port nobody_listens;
    lone_links lone;
    auto& of_lane = lone.of_lane;
    std::int64_t now_ns = 1'000'000'000;
    const std::string name = "tcp://node.invalid:7440";
    cluster_view view;
    view.members = {{2, "named", {name}, false},
                    {3, "numbered", {nobody_listens.endpoint()}, false}};
    of_lane.set_members(view, now_ns);
    of_lane.advance(now_ns);
    const auto& named = *of_lane.find(2);
    REQUIRE(lone.user.asked == std::vector<std::string>{name});
    CHECK(named.now == peer_link::phase::looking);
    CHECK(named.connection == nullptr);
    CHECK(of_lane.find(3)->now == peer_link::phase::greeting);

    // The name server does not answer: the link waits, and tries again later.
    now_ns = named.look_until_ns;
    of_lane.advance(now_ns);
    of_lane.advance(now_ns);
    CHECK(named.now == peer_link::phase::waiting);
    CHECK(lone.user.asked.size() == 1);
    // What it says after all is of use at once.
    of_lane.found_addresses(name, {"tcp://127.0.0.1:1", nobody_listens.endpoint()}, "", now_ns);
    now_ns = named.try_at_ns;
    of_lane.advance(now_ns);
    REQUIRE(named.now == peer_link::phase::greeting);
    CHECK(named.connection->endpoint() == "tcp://127.0.0.1:1");
    CHECK(named.endpoint == name);
    CHECK(lone.user.asked.size() == 1);

    // Without an address the link has failed, and says why.
    of_lane.found_addresses(name, {}, "no such host", now_ns);
    CHECK(named.now == peer_link::phase::greeting);  // it has one
}

TEST_CASE("a member that has never answered is tried again after a second, one that has sooner") {
    const tests::reserved_port nobody_listens;
    lone_links lone;
    auto& of_lane = lone.of_lane;
    std::int64_t now_ns = 1'000'000'000;
    of_lane.set_members(with_member(nobody_listens.endpoint()), now_ns);
    auto& link = *of_lane.find(2);
    const auto fail = [&] {
        static_cast<void>(of_lane.advance(now_ns));
        REQUIRE(link.now == peer_link::phase::greeting);
        of_lane.give_up(link, "it is not there");
        static_cast<void>(of_lane.advance(now_ns));
        REQUIRE(link.now == peer_link::phase::waiting);
        return link.try_at_ns - now_ns;
    };
    CHECK(fail() >= 1'000'000'000);
    CHECK(lone.user.lost == 1);
    link.reached = true;
    now_ns = link.try_at_ns;
    CHECK(fail() < 1'000'000'000);
}
