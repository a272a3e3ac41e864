// SPDX-License-Identifier: Apache-2.0
#include "client/name_lookup.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/slow_name_server.hpp"

#include <poll.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

using dunlin::link::name_lookup;
using dunlin::support::wake_event;
using dunlin::tests::slow_name_server;
using namespace std::chrono_literals;
using time_point = name_lookup::time_point;

namespace {

constexpr time_point start{1h};
constexpr time_point late = start + 5s;

struct names_fixture {
    std::shared_ptr<slow_name_server> server = std::make_shared<slow_name_server>();
    wake_event news;
    name_lookup names{news, slow_name_server::lookup(server)};

    ~names_fixture() { server->answer(); }

    void wait_for_news() {
        pollfd event{news.fd(), POLLIN, 0};
        REQUIRE(::poll(&event, 1, 20'000) == 1);
        news.drain();
    }
    name_lookup::outcome take_one(time_point now = start) {
        REQUIRE(names.ready(now));
        const auto taken = names.take(now);
        REQUIRE(taken.size() == 1);
        CHECK_FALSE(names.ready(now));
        return taken.front();
    }
};

}  // namespace

TEST_CASE_METHOD(names_fixture,
                 "what has an address is connected to at once, and nobody is asked") {
    CHECK(names.next_action() == time_point::max());
    names.ask({1, "tcp://10.0.0.1:7440"}, start, late);
    CHECK(take_one().address == "tcp://10.0.0.1:7440");
    names.ask({2, "tcp://[::1]:7440"}, start, late);
    const auto second = take_one();
    CHECK(second.lane == 2);
    CHECK(second.address == "tcp://[::1]:7440");
    CHECK(server->asked() == 0);
}

TEST_CASE_METHOD(names_fixture,
                 "the addresses of a name are tried in turn before it is looked up again") {
    server->know("tcp://n1.test:0", {"tcp://10.0.0.1:0", "tcp://[fd00::1]:0"});
    names.ask({1, "tcp://n1.test:7440"}, start, late);
    wait_for_news();
    const auto first = take_one();
    CHECK(first.lane == 1);
    CHECK(first.endpoint == "tcp://n1.test:7440");
    CHECK(first.address == "tcp://10.0.0.1:7440");
    names.ask({2, "tcp://n1.test:7440"}, start + 1s, late);
    CHECK(take_one(start + 1s).address == "tcp://[fd00::1]:7440");
    // The other lane of that node has both before it, too.
    names.ask({3, "tcp://n1.test:7441"}, start + 1s, late);
    CHECK(take_one(start + 1s).address == "tcp://10.0.0.1:7441");
    CHECK(server->asked() == 1);

    server->know("tcp://n1.test:0", {"tcp://10.0.0.9:0"});
    names.ask({4, "tcp://n1.test:7440"}, start + 2s, late);
    wait_for_news();
    CHECK(take_one(start + 2s).address == "tcp://10.0.0.9:7440");
    CHECK(server->asked() == 2);
}

TEST_CASE_METHOD(names_fixture, "an address that was found long ago is looked up again") {
    server->know("tcp://n1.test:0", {"tcp://10.0.0.1:0", "tcp://10.0.0.2:0"});
    names.ask({1, "tcp://n1.test:7440"}, start, late);
    wait_for_news();
    CHECK(take_one().address == "tcp://10.0.0.1:7440");
    const auto then = start + name_lookup::fresh_for;
    server->know("tcp://n1.test:0", {"tcp://10.0.0.3:0"});
    names.ask({2, "tcp://n1.test:7440"}, then, then + 5s);
    wait_for_news();
    CHECK(take_one(then).address == "tcp://10.0.0.3:7440");
}

TEST_CASE_METHOD(names_fixture, "the lanes of a node wait for one lookup of its host") {
    names.ask({1, "tcp://slow.test:7440"}, start, late);
    names.ask({2, "tcp://slow.test:7441"}, start, late);
    names.ask({3, "tcp://slow.test:7440"}, start, late);
    server->wait_until_asked(1);
    CHECK_FALSE(names.ready(start));
    CHECK(names.next_action() == late);
    server->know("tcp://slow.test:0", {"tcp://10.0.0.1:0"});
    server->answer();
    wait_for_news();
    const auto all = names.take(start);
    REQUIRE(all.size() == 3);
    CHECK(all[0].address == "tcp://10.0.0.1:7440");
    CHECK(all[1].address == "tcp://10.0.0.1:7441");
    CHECK(all[2].address == "tcp://10.0.0.1:7440");
    CHECK(server->asked() == 1);
}

TEST_CASE_METHOD(names_fixture, "a name without an address fails its attempt and says why") {
    server->know("tcp://none.test:0", {});
    names.ask({7, "tcp://none.test:7440"}, start, late);
    wait_for_news();
    const auto failed = take_one();
    CHECK(failed.lane == 7);
    CHECK(failed.address.empty());
    CHECK(failed.problem == "its host has no address: no such host");
    // It may have one the next time.
    server->know("tcp://none.test:0", {"tcp://10.0.0.1:0"});
    names.ask({8, "tcp://none.test:7440"}, start, late);
    wait_for_news();
    CHECK(take_one().address == "tcp://10.0.0.1:7440");
}

TEST_CASE_METHOD(names_fixture,
                 "a lookup that takes too long fails its attempt, and its answer serves the next") {
    names.ask({1, "tcp://slow.test:7440"}, start, late);
    server->wait_until_asked(1);
    CHECK_FALSE(names.ready(late - 1ns));
    const auto failed = take_one(late);
    CHECK(failed.lane == 1);
    CHECK(failed.address.empty());
    CHECK(failed.problem == "the name server has not answered for its host yet");
    // Meanwhile others are asked for, and this one not once more.
    server->know("tcp://quick.test:0", {"tcp://10.0.0.1:0"});
    names.ask({2, "tcp://slow.test:7440"}, late, late + 5s);
    names.ask({3, "tcp://quick.test:7440"}, late, late + 5s);
    wait_for_news();
    CHECK(take_one(late).lane == 3);
    CHECK(take_one(late + 5s).lane == 2);
    CHECK(server->asked() == 2);

    server->know("tcp://slow.test:0", {"tcp://10.0.0.2:0"});
    server->answer();
    wait_for_news();
    CHECK(names.take(late + 6s).empty());
    names.ask({4, "tcp://slow.test:7440"}, late + 7s, late + 12s);
    CHECK(take_one(late + 7s).address == "tcp://10.0.0.2:7440");
    CHECK(server->asked() == 2);
}
