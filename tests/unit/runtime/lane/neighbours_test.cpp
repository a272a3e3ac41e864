// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/neighbours.hpp"

#include "tests/unit/runtime/lane/lane_parts.hpp"
#include "tests/unit/runtime/lane/told_membership.hpp"

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

std::shared_ptr<const cluster_view> members(std::vector<std::string> names) {
    auto view = std::make_shared<cluster_view>();
    for (auto& each : names) view->members.emplace_back().name = std::move(each);
    return view;
}

}  // namespace

TEST_CASE("the lane that drives the membership hands on what it hears, the others nothing") {
    lane_parts at;
    at.connect("n2", wire::peer_role::node);
    at.send("n2", wire::gossip{as_bytes("early")});
    at.others.found({"tcp://a:1"});
    at.others.ask_to_drain();
    at.others.drain();
    at.others.tend();
    CHECK(at.others.due_ns() >= at.clock.now_ns() + 8);
    told_membership membership;
    at.others.carry(membership);
    at.send("n2", wire::gossip{as_bytes("hearsay")});
    at.others.found({"tcp://a:1"});
    at.others.ask_to_drain();
    at.others.tend();
    CHECK(at.others.due_ns() == at.clock.now_ns() + 7);
    at.others.drain();
    at.others.leave();
    CHECK(membership.said ==
          lines{"from 7 hearsay", "seed tcp://a:1", "may it drain", "time", "drain", "leave"});
}

TEST_CASE("gossip for a node without a link goes over the connection that it has opened") {
    lane_parts at;
    told_membership membership;
    at.others.carry(membership);
    auto& node = at.connect("n2", wire::peer_role::node);
    CHECK_FALSE(at.others.send_gossip(7, as_bytes("news")));  // not known to be the one
    at.send("n2", wire::gossip{as_bytes("hearsay")});
    CHECK(node.gossips);
    CHECK(at.others.send_gossip(7, as_bytes("news")));
    CHECK(at.told("n2") == lines{"gossip news"});
    CHECK_FALSE(at.others.send_gossip(8, as_bytes("news")));
    at.out.lose(node);
    CHECK_FALSE(at.others.send_gossip(7, as_bytes("news")));
}

TEST_CASE("a new view reaches the peers that asked for it, and counts as seen at the turn's end") {
    lane_parts at;
    auto& asks = at.connect("asks");
    asks.wants_cluster = true;
    at.connect("does not");
    at.others.changed(members({"n1", "n2", "n3"}));
    CHECK(at.others.view()->members.size() == 3);
    CHECK(at.told("asks") == lines{"other"});
    CHECK(at.told("does not").empty());
    CHECK(at.counters.members_seen.get() == 0);
    at.others.tend();
    CHECK(at.counters.members_seen.get() == 3);
}

TEST_CASE("keys are offered over a link, as soon as there is one") {
    lane_parts at;
    const key_offer moved{7, "texts", {"ann", "bob"}};
    at.others.offer(moved);  // nobody knows that node
    auto view = std::make_shared<cluster_view>();
    view->members = {{7, "n7", {"tcp://127.0.0.1:1"}, false}};
    at.others.changed(view);
    auto& link = *at.over.find(7);
    at.others.offer(moved);
    CHECK(link.out.size == 0);
    link.now = peer_link::phase::live;
    at.others.tend();
    wire::frame_reader reader(link.out.view());
    std::size_t offers = 0;
    while (reader.next() == wire::read_status::envelope) {
        if (reader.kind() != wire::kind::offer) continue;  // a ping
        ++offers;
        CHECK(reader.items().space == "texts");
        CHECK(reader.items().count == 2);
    }
    CHECK(offers == 1);
}

TEST_CASE("offers that wait for a link are bounded") {
    lane_parts at;
    auto view = std::make_shared<cluster_view>();
    view->members = {{7, "n7", {"tcp://127.0.0.1:1"}, false}};
    at.others.changed(view);
    auto& link = *at.over.find(7);
    for (std::size_t i = 0; i < neighbours::offers_unsent_max; ++i)
        at.others.offer({7, "kept", {"ann"}});
    for (int i = 0; i < 5; ++i) at.others.offer({7, "dropped", {"ann"}});
    link.now = peer_link::phase::live;
    at.others.tend();
    // Full frames have gone; the last offers are in this one.
    wire::frame_reader reader(link.out.view());
    std::string last;
    while (reader.next() == wire::read_status::envelope)
        if (reader.kind() == wire::kind::offer) last = reader.items().space;
    CHECK(last == "kept");
}
