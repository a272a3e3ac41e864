// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/departures.hpp"

#include "tests/unit/runtime/lane/lane_parts.hpp"

using namespace dunlin;
using namespace dunlin::runtime;

TEST_CASE("a peer that leaves takes its calls and its bulk with it, and its connection is there") {
    lane_parts at;
    bool ran = false;
    at.serve("a/waits", [&](testing::call_view) {
        ran = true;
        return std::int32_t{DUNLIN_DONE};
    });
    auto& shop = at.connect("shop");
    auto* connection = shop.connection;
    REQUIRE(connection != nullptr);
    at.send("shop", call_to("a/waits", 1));
    at.keeper.put_off(shop, zmq::message_t(10), at.clock.now_ns());
    at.leaving.remove(shop, "the test says so");
    CHECK(at.out.peers().size() == 0);
    CHECK(at.calls.ledger().open_count() == 0);
    CHECK_FALSE(at.keeper.has_bulk());
    CHECK(connection->speaker == nullptr);
    at.run();
    CHECK_FALSE(ran);  // it had not begun
    CHECK(at.told("shop").empty());
    CHECK(at.budget.frames_held() == 0);
}

TEST_CASE("peers that cannot be reached are removed at the end of the turn, with their calls") {
    lane_parts at;
    at.serve("a/echo", [](testing::call_view call) { return call.reply(call.payload); });
    auto& shop = at.connect("shop");
    at.connect("other");
    at.send("shop", call_to("a/echo", 1));
    at.send("other", call_to("a/echo", 1, "x"));
    at.calls.end_turn();
    at.out.lose(shop);
    CHECK(at.out.peers().size() == 2);
    at.leaving.flush_all();
    CHECK(at.out.peers().size() == 1);
    CHECK(at.calls.ledger().open_count() == 1);
    at.run();
    CHECK(at.told("other") == lines{"reply 1 x"});
}

TEST_CASE("on a node without a key nobody is expelled") {
    lane_parts at;
    at.connect("shop");
    at.leaving.renew_access();
    CHECK(at.out.peers().size() == 1);
}
