// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/connection_keeper.hpp"

#include "tests/unit/runtime/lane/outlet_parts.hpp"

#include <poll.h>

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;

/// The transport of a lane without the lane. Descriptors that a test makes up are nobody's, so
/// nothing happens to them when their connection is ended.
struct lone_keeper : outlet_parts {
    connection_keeper keeper;

    explicit lone_keeper(std::size_t connections_max = 100)
        : keeper(socket, connections, out, budget, replies, counters, now_ns,
                 {connections_max, nullptr}) {}

    accepted_connection& accept(int fd) { return connections.accepted(fd, 0, now_ns); }
    peer& hello(const std::string& name, int fd) {
        auto& added = out.peers().add(name);
        added.name = name;
        added.heard_ns = now_ns;
        keeper.attach(added, fd);
        return added;
    }
    std::vector<std::string> flush_all() {
        std::vector<std::string> removed;
        out.flush_all([&](peer& gone, std::string_view) {
            removed.push_back(gone.name);
            keeper.take_bulk(gone);
            out.forget(gone);
            keeper.detach(gone);
            out.peers().remove(gone);
        });
        return removed;
    }
    /// Reads what the monitor tells, which comes from ZeroMQ's thread, until `done()`.
    template <class Done>
    bool await(Done&& done) {
        for (;;) {
            keeper.read_monitor();
            if (done()) return true;
            pollfd item{socket.monitor_fd(), POLLIN, 0};
            constexpr int wait_ms = 10'000;
            if (::poll(&item, 1, wait_ms) != 1) return false;
        }
    }
};

zmq::message_t frame_of(std::size_t bytes) { return zmq::message_t(bytes); }

}  // namespace

TEST_CASE("a connection that says no hello in time is ended, one that has a peer is not") {
    lone_keeper at;
    auto& speechless = at.accept(1001);
    auto& spoken = at.accept(1002);
    at.hello("peer", 1002);
    at.now_ns += 9 * second_ns;
    at.keeper.tend();
    CHECK_FALSE(speechless.ended);
    at.now_ns += second_ns;
    at.keeper.tend();
    CHECK(speechless.ended);
    CHECK_FALSE(spoken.ended);
    CHECK(at.counters.connections_speechless.get() == 1);
    CHECK(at.counters.connections_ended.get() == 1);
}

TEST_CASE("a hello on a descriptor that had a peer makes that one a suspect") {
    lone_keeper at;
    auto& before = at.hello("before", 1001);
    auto& after = at.hello("after", 1001);
    CHECK(before.suspected);
    CHECK(before.connection == nullptr);
    REQUIRE(after.connection != nullptr);
    CHECK(after.connection->speaker == &after);
    CHECK(after.unsent == after.connection->unsent);
}

TEST_CASE("a connection that is ended later is, unless another has its descriptor by then") {
    lone_keeper at;
    auto& told = at.hello("told", 1001);
    auto& connection = *told.connection;
    at.keeper.end_later(told);
    CHECK(at.keeper.due_ns() <= at.now_ns + 200 * millisecond_ns);
    at.keeper.tend();
    CHECK_FALSE(connection.ended);
    at.now_ns += 200 * millisecond_ns;
    at.keeper.tend();
    CHECK(connection.ended);

    auto& gone = at.hello("gone", 1002);
    gone.connection->socket = 7;
    at.keeper.end_later(gone);
    at.keeper.detach(gone);
    at.connections.closed(*at.connections.find(1002));
    auto& next = at.connections.accepted(1002, 8, at.now_ns);
    at.now_ns += 200 * millisecond_ns;
    at.keeper.tend();
    CHECK_FALSE(next.ended);
}

TEST_CASE(
    "peers with frames that are read later take turns, and each frame counts until it begins") {
    lone_keeper at;
    auto& first = at.hello("first", 1001);
    auto& second = at.hello("second", 1002);
    CHECK_FALSE(at.keeper.has_bulk());
    at.keeper.put_off(first, frame_of(1000), at.now_ns);
    at.keeper.put_off(first, frame_of(2000), at.now_ns + 1);
    at.keeper.put_off(second, frame_of(3000), at.now_ns + 2);
    CHECK(at.budget.bytes_unread() > 6000);
    auto& next = at.keeper.next_bulky();
    CHECK(&next == &first);
    const auto begun = at.keeper.begin_bulk(next);
    CHECK(begun.message.size() == 1000);
    CHECK(begun.came_ns == at.now_ns);
    CHECK(at.budget.bytes_unread() < 6000);
    at.keeper.queue_bulky(first);
    CHECK(&at.keeper.next_bulky() == &second);
    at.keeper.queue_bulky(second);
    // One that leaves takes the rest of its own along.
    const auto rest = at.keeper.take_bulk(first);
    REQUIRE(rest);
    CHECK(rest->later.size() == 1);
    CHECK(at.keeper.take_bulk(first) == nullptr);
    CHECK(&at.keeper.next_bulky() == &second);
    CHECK_FALSE(at.keeper.has_bulk());
}

TEST_CASE(
    "the connection that has sent most is ended when too much is unread, and its peer is lost") {
    lone_keeper at;
    auto& modest = at.hello("modest", 1001);
    auto& flood = at.hello("flood", 1002);
    at.keeper.put_off(modest, frame_of(1000), at.now_ns);
    at.keeper.tend();
    CHECK(at.keeper.due_ns() > at.now_ns);
    at.keeper.put_off(flood, frame_of(600 << 10), at.now_ns);
    CHECK(at.keeper.due_ns() == at.now_ns);  // at once
    auto& connection = *flood.connection;
    at.keeper.tend();
    CHECK(connection.ended);
    CHECK_FALSE(modest.connection->ended);
    CHECK(at.counters.connections_flooding.get() == 1);
    CHECK(at.flush_all() == std::vector<std::string>{"flood"});
}

TEST_CASE("there is nothing to look at while there are no connections") {
    lone_keeper at;
    constexpr auto never_ns = std::numeric_limits<std::int64_t>::max();
    CHECK(at.keeper.due_ns() == never_ns);
    auto& told = at.hello("peer", 1001);
    at.keeper.tend();
    CHECK(at.keeper.due_ns() <= at.now_ns + second_ns / 4);
    at.keeper.detach(told);
    at.connections.closed(*at.connections.find(1001));
    at.keeper.tend();
    CHECK(at.keeper.due_ns() == never_ns);
}

TEST_CASE("a peer with calls in flight that answers no ping is given up") {
    lone_keeper at;
    const auto endpoint = at.socket.bind("tcp://127.0.0.1:0");
    REQUIRE(endpoint);
    auto other = dial(at.socket, *endpoint);
    REQUIRE(at.await([&] { return at.connections.size() == 1; }));
    int fd = -1;
    at.connections.for_each([&](const accepted_connection& each) { fd = each.fd; });
    auto& silent = at.hello("silent", fd);
    at.now_ns += 11 * second_ns;
    at.keeper.tend();  // of ZeroMQ's handshake there was traffic
    at.now_ns += 26 * second_ns;
    at.keeper.tend();
    CHECK_FALSE(silent.gone);  // nobody waits for it
    CHECK(silent.out.empty());
    silent.heard_ns = at.now_ns;
    silent.asked = false;
    silent.in_flight = 1;
    at.now_ns += 11 * second_ns;
    at.keeper.tend();
    CHECK(silent.asked);
    CHECK_FALSE(silent.out.empty());
    CHECK_FALSE(silent.gone);
    at.now_ns += 15 * second_ns;
    at.keeper.tend();
    CHECK(silent.gone);
    CHECK(at.counters.peers_silent_dropped.get() == 1);
    silent.in_flight = 0;
    CHECK(at.flush_all() == std::vector<std::string>{"silent"});
    CHECK(at.await([&] { return at.connections.size() == 0; }));
}

TEST_CASE("a connection beyond the limit is ended, and the peer of one that ended is a suspect") {
    lone_keeper at(1);
    const auto endpoint = at.socket.bind("tcp://127.0.0.1:0");
    REQUIRE(endpoint);
    {
        auto first = dial(at.socket, *endpoint);
        REQUIRE(at.await([&] { return at.connections.size() == 1; }));
        int fd = -1;
        at.connections.for_each([&](const accepted_connection& each) { fd = each.fd; });
        at.hello("first", fd);
        auto second = dial(at.socket, *endpoint);
        REQUIRE(at.await([&] { return at.counters.connections_beyond_limit.get() >= 1; }));
        CHECK(at.counters.connections_ended.get() >= 1);
    }
    auto* first = at.out.peers().find("first");
    REQUIRE(first != nullptr);
    CHECK(at.await([&] { return first->suspected; }));
    CHECK(first->connection == nullptr);
}
