// SPDX-License-Identifier: Apache-2.0
//
// The sockets are real and lead nowhere: to names inside the process that nobody has bound.
#include "client/connection_set.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/slow_name_server.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::link;
using namespace std::chrono_literals;
using dunlin::tests::slow_name_server;

namespace {

struct set_fixture {
    std::mutex mutex;
    connection_set::time_point now{1h};
    support::wake_event news;
    fleet nodes{{.endpoints = {"tcp://n.test:1"}, .pause_min = 1s, .pause_max = 1s, .nodes_max = 1},
                ""};
    std::shared_ptr<slow_name_server> server = std::make_shared<slow_name_server>();
    connection_set set{nodes, {}, news, slow_name_server::lookup(server)};

    set_fixture() {
        server->know("tcp://n.test:0", {"inproc://nowhere:0"});
        server->answer();
    }
    void open() {
        std::unique_lock held(mutex);
        set.open(held, now);
    }
    /// Opens one, and waits for the name server meanwhile.
    connection& opened() {
        open();
        // The name server answers on a thread of its own, perhaps at once.
        while (set.all().empty()) {
            pollfd event{news.fd(), POLLIN, 0};
            REQUIRE(::poll(&event, 1, 20'000) == 1);
            news.drain();
            open();
        }
        REQUIRE(set.all().size() == 1);
        return *set.all().front();
    }
    std::vector<std::string> detach() {
        std::vector<std::string> problems;
        set.detach_failed(now, [&](connection& lost) { problems.push_back(lost.problem()); });
        return problems;
    }
};

}  // namespace

TEST_CASE_METHOD(set_fixture, "connections are opened where the plan says, and not after a stop") {
    CHECK(set.any_to_open(now));
    CHECK(set.pending());
    auto& one = opened();
    CHECK(one.endpoint() == "tcp://n.test:1");
    CHECK_FALSE(set.any_to_open(now));
    std::vector<pollfd> descriptors;
    set.add_descriptors(descriptors);
    CHECK(descriptors.size() == 2);
    one.give_up("the connection was closed");
    CHECK(set.next_action() == connection_set::time_point::min());
    CHECK(detach() == std::vector<std::string>{"the connection was closed"});
    CHECK(set.take_closed(now).size() == 1);
    CHECK(set.all().empty());
    CHECK_FALSE(set.any_to_open(now));  // after a pause
    now = nodes.plan().next_action();
    CHECK(set.any_to_open(now));
    set.stop();
    CHECK_FALSE(set.any_to_open(now));
    open();
    CHECK(set.all().empty());
}

TEST_CASE_METHOD(set_fixture, "a connection that nobody welcomes is given up in time") {
    auto& one = opened();
    CHECK_FALSE(set.any_to_close(now));
    CHECK(set.next_action() == one.greet_by());
    now = one.greet_by();
    CHECK(set.any_to_close(now));
    CHECK(detach().size() == 1);
    CHECK(set.take_closed(now).size() == 1);
    CHECK(nodes.plan().rounds_failed() == 1);
}

TEST_CASE_METHOD(set_fixture, "a connection that leaves is closed after its last answer") {
    auto& one = opened();
    wire::welcome envelope;
    envelope.node = "n";
    nodes.welcome(one, envelope, now);
    CHECK(nodes.nodes() == 1);
    CHECK_FALSE(set.pending());
    one.out.open().append(as_bytes("x"));
    CHECK(set.unsent());
    CHECK(set.pending());
    one.in_flight = 1;
    nodes.goaway(one, static_cast<std::int64_t>(errc::unavailable), "stopping", now);
    wire::frame_buffer sent;
    REQUIRE(one.out.take(sent));
    CHECK_FALSE(set.any_to_close(now));
    one.in_flight = 0;
    CHECK(set.any_to_close(now));
    CHECK(detach().empty());
    CHECK(set.take_closed(now).size() == 1);
}

TEST_CASE_METHOD(set_fixture, "the only node is not asked for signs of life") {
    auto& one = opened();
    wire::welcome envelope;
    envelope.node = "n";
    nodes.welcome(one, envelope, now);
    one.in_flight = 1;
    for (int i = 0; i < 100; ++i) CHECK_FALSE(set.feel_pulses(now += 100ms, 1));
    CHECK(one.problem().empty());
    CHECK(one.out.empty());
}
