// SPDX-License-Identifier: Apache-2.0
#include "client/attempts.hpp"

#include "attempts_fixture.hpp"
#include "client/checks.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;

TEST_CASE_METHOD(attempts_fixture, "a call that did not run goes to each node, then it ends") {
    connect_all(3);
    call& open = start("t/once", 1);
    flush();
    const auto unwell = failure_of(errc::internal, true);
    CHECK_FALSE(fail(open, unwell));
    CHECK(open.on != &node(1));
    CHECK(node(1).in_flight == 0);
    CHECK(open.on->in_flight == 1);
    auto& second = at(open);
    CHECK(second.written() == texts{"invoke t/once #1"});
    // An answer to the first attempt, late or from elsewhere, is not one to the call.
    CHECK(book.find(open.id, node(1)) == nullptr);
    CHECK(book.find(call_table::id_of(open, 1), node(1)) == nullptr);
    CHECK(book.find(call_table::id_of(open, 1), second) == &open);
    CHECK_FALSE(fail(open, unwell));
    CHECK(open.on != &node(1));
    CHECK(open.on != &second);
    const auto end = fail(open, unwell);
    REQUIRE(end);
    CHECK_FALSE(end->may_have_run);
    CHECK(tries.retries() == 2);
}

TEST_CASE_METHOD(attempts_fixture, "a call that every node refuses ends with the smallest hint") {
    connect_all(3);
    call& open = start("t/once", 1);
    CHECK_FALSE(fail(open, failure_of(errc::overloaded, true, 3000)));
    CHECK_FALSE(fail(open, failure_of(errc::overloaded, true, 1500)));
    const auto end = fail(open, failure_of(errc::overloaded, true, 9000));
    REQUIRE(end);
    CHECK(end->retry_after_us >= 1500);
    CHECK(end->retry_after_us <= 2250);
    CHECK_FALSE(end->may_have_run);
}

TEST_CASE_METHOD(attempts_fixture, "a refused call with a key goes nowhere else") {
    connect_all(3);
    const auto end = fail(start("t/again", 0, copies::unwanted, "key"),
                          failure_of(errc::overloaded, true, 1500));
    REQUIRE(end);
    CHECK(end->retry_after_us >= 1500);
    CHECK(end->retry_after_us <= 2250);
}

TEST_CASE_METHOD(attempts_fixture, "a lost node's calls go elsewhere if they may run twice") {
    connect_all(2);
    call& again = start("t/again", 1);
    call& once = start("t/once", 1);
    flush();
    const auto id = once.id;
    lose(node(1));
    CHECK(again.on == &node(2));
    CHECK(again.kept->may_have_run);
    CHECK(node(2).written() == texts{"invoke t/again #1, lost 1"});
    CHECK(book.find(id) == nullptr);
    CHECK(due() == texts{"no answer from t/once, it may have run: lost node n1 at "
                         "tcp://node.test:1: the connection was closed"});
    // What the last attempt says of itself does not hold for the call.
    const auto end = fail(again, failure_of(errc::not_found, true));
    REQUIRE(end);
    CHECK(end->may_have_run);
}

TEST_CASE_METHOD(attempts_fixture, "a call that two nodes were lost with goes to no third") {
    connect_all(3);
    call& open = start("t/again", 1);
    flush();
    lose(node(1));
    auto& second = at(open);
    const auto name = second.node_name;
    CHECK(second.written() == texts{"invoke t/again #1, lost 1"});
    lose(second);
    CHECK(due() == texts{"t/again was lost with node n1 and then with node " + name +
                         ", which both may have run it; it is not tried again"});
    CHECK(book.in_flight() == 0);
    CHECK(tries.retries() == 1);
    for (const auto& each : channels) CHECK(each->written().empty());
}

TEST_CASE_METHOD(attempts_fixture, "the last node's calls wait for another if they may run twice") {
    connect_all(2);
    call& open = start("t/again", 1);
    flush();
    lose(node(2));
    lose(node(1));
    CHECK(open.on == nullptr);
    CHECK(due().empty());
    CHECK_FALSE(tries.can_send_held());
    now = fleet.plan().next_action();
    auto& next = connect();
    tries.send_held(now);
    CHECK(next.written() == texts{"invoke t/again #1, lost 1"});
    CHECK(tries.retries() == 1);
}

TEST_CASE_METHOD(attempts_fixture, "a node that runs no call is left alone after a few") {
    connect_all(2);
    for (int i = 0; i < 50; ++i) {
        call& open = start("t/again");
        while (open.on == &node(1)) REQUIRE_FALSE(fail(open, failure_of(errc::unavailable, true)));
        tries.answered(open, at(open), now);
        book.settle(open);
        book.delivered(open);
        book.recycle();
        for (const auto& each : channels) fleet.frame_leaves(*each);
        flush();
    }
    CHECK(tries.retries() > 0);
    CHECK(tries.retries() < 20);
}

TEST_CASE_METHOD(attempts_fixture, "two nodes that are cut off at once are no reason to stop") {
    connect_all(3);
    const auto silent = [&](fake_channel& which) {
        now += 1s;
        which.give_up_silent();
        lose(which);
        flush();
    };
    SECTION("both have it, and both were heard of since") {
        call& open = start_hedged();
        auto& second = copy_of(open);
        now += 1ms;
        fleet.heard(node(1), now);
        fleet.heard(second, now);
        silent(node(1));
        CHECK(open.on == &second);
        silent(second);
        CHECK(open.kept->losses.count() == 1);
        CHECK(open.on != nullptr);
    }
    SECTION("one after the other, and the second has said nothing since") {
        call& open = start("t/again", 1);
        flush();
        now += 1ms;
        fleet.heard(node(1), now);
        silent(node(1));
        CHECK(open.kept->losses.count() == 1);
        silent(at(open));
        CHECK(open.kept->losses.count() == 1);
        CHECK(open.on != nullptr);
    }
    CHECK(due().empty());
}

TEST_CASE_METHOD(attempts_fixture, "losses that nodes on the way have counted count") {
    connect_all(3);
    call& open = start("t/again", 1);
    flush();
    auto failure = failure_of(errc::unavailable);
    failure.losses = 1;
    CHECK_FALSE(fail(open, failure));
    failure.losses = wire::losses_max;
    CHECK(fail(open, failure));
}

TEST_CASE_METHOD(attempts_fixture, "a node that said that it leaves is not lost with its calls") {
    connect_all(3);
    call& open = start("t/again", 1);
    flush();
    fleet.goaway(node(1), static_cast<std::int64_t>(errc::unavailable), "stopping", now);
    tries.move_vacated(now);
    CHECK(open.on == &node(1));  // it may still answer
    lose(node(1));
    CHECK(open.on != &node(1));
    CHECK(open.kept->losses.count() == 0);
}

TEST_CASE_METHOD(attempts_fixture, "calls that were not sent yet leave a node that drains") {
    connect_all(2);
    call& sent = start("t/once", 2);
    flush();
    call& unsent = start("t/once", 2);
    append(node(2).out.open(), wire::pong{1});
    append(node(2).out.open(), wire::cancel{call_table::id_of(sent, 0)});
    tell(1, {1, 2}, {2});
    tries.move_vacated(now);
    CHECK(sent.on == &node(2));
    CHECK(unsent.on == &node(1));
    CHECK(node(1).written() == texts{"invoke t/once #0"});
    CHECK(node(2).written() == texts{"pong", "cancel #0"});
    CHECK(node(2).in_flight == 1);
    CHECK(tries.retries() == 0);
}

TEST_CASE_METHOD(attempts_fixture, "calls wait in order for a node, and leave when one is there") {
    const auto hold = [&](std::string_view function) -> call& {
        call& open = book.open(function, 10s);
        book.keep(open, {}, {}, [](wire::frame_buffer& to) { to.append(as_bytes("p")); });
        tries.hold(open);
        book.start(open, now);
        return open;
    };
    hold("t/a");
    call& withdrawn = hold("t/b");
    hold("t/c");
    CHECK_FALSE(tries.can_send_held());
    tries.withdraw(withdrawn);
    CHECK(due() == texts{"t/b was cancelled by its caller"});
    connect();
    CHECK(tries.can_send_held());
    tries.send_held(now);
    CHECK(node(1).written() == texts{"invoke t/a #0", "invoke t/c #0"});
    CHECK_FALSE(tries.can_send_held());

    node(1).payload_bytes_max = 0;
    hold("t/d");
    tries.send_held(now);
    CHECK(due() == texts{"payload of 1 bytes exceeds the node's limit of 0"});
    node(1).in_flight = node(1).in_flight_max;
    hold("t/e");
    tries.send_held(now);
    CHECK(due() == texts{"t/e did not run: node n1 takes fewer calls than waited"});
}

TEST_CASE_METHOD(attempts_fixture, "a cluster that fails altogether sees no storm of retries") {
    connect_all(3);
    constexpr int calls = 5000;
    for (int i = 0; i < calls; ++i) {
        call& open = start("t/once");
        while (!fail(open, failure_of(errc::internal, true))) continue;
        book.fail(open);
        book.delivered(open);
        book.recycle();
        flush();
    }
    CHECK(tries.retries() >= 100);
    CHECK(tries.retries() <= 100 + calls / 5);
}

TEST_CASE_METHOD(attempts_fixture, "a call is sent once where nothing may be kept") {
    connect_all(2);
    call_book no_retries(10, 0, now);
    attempts sparing(no_retries, fleet, 77, now);
    call& open = no_retries.open("t/again", 1s);
    open.on = &node(1);
    fleet.appended(node(1), 1);
    sparing.keep(open, node(1), as_bytes("p"), {}, {});
    CHECK_FALSE(open.keeps());
    const auto end = sparing.failed(open, node(1), failure_of(errc::overloaded, true, 7000), now);
    REQUIRE(end);
    CHECK(end->retry_after_us >= 7000);
    CHECK(end->retry_after_us <= 10'500);
    // What the node asked for is kept to all the same.
    CHECK(picked("t/again") == std::set<std::uint64_t>{2});
}

TEST_CASE_METHOD(attempts_fixture, "the copy's answer counts, and the late attempt is withdrawn") {
    connect_all(2);
    call& open = start_hedged();
    auto& second = copy_of(open);
    CHECK(book.find(open.id, node(1)) == &open);
    CHECK(book.find(call_table::id_of(open, 1), second) == &open);
    tries.answered(open, second, now);
    book.settle(open);
    CHECK(node(1).written() == texts{"cancel #0"});
    CHECK(node(1).in_flight == 0);
    CHECK(second.in_flight == 0);
}

TEST_CASE_METHOD(attempts_fixture, "the late attempt's answer counts, and the copy is withdrawn") {
    connect_all(2);
    call& open = start_hedged();
    auto& second = copy_of(open);
    tries.answered(open, node(1), now);
    book.settle(open);
    CHECK(second.written() == texts{"cancel #1"});
    CHECK(node(1).written().empty());
}

TEST_CASE_METHOD(attempts_fixture, "a call with a copy goes on with the one that is left") {
    connect_all(2);
    call& open = start_hedged();
    auto& second = copy_of(open);
    SECTION("when a node is lost") { lose(node(1)); }
    SECTION("when a node refuses") { CHECK_FALSE(fail(open, failure_of(errc::overloaded, true))); }
    CHECK(open.on == &second);
    CHECK(open.attempt == 1);
    CHECK(open.kept->second == nullptr);
    CHECK(due().empty());
    CHECK(tries.retries() == 0);
    CHECK(book.find(open.id, node(1)) == nullptr);
    CHECK(book.find(call_table::id_of(open, 1), second) == &open);
}

TEST_CASE_METHOD(attempts_fixture, "a call with a copy under way is not said not to have run") {
    connect_all(2);
    call& open = start_hedged();
    auto& second = copy_of(open);
    const auto end = tries.failed(open, second, failure_of(errc::not_found, true), now);
    REQUIRE(end);
    CHECK(end->may_have_run);
    CHECK(node(1).written() == texts{"cancel #0"});
}

TEST_CASE_METHOD(attempts_fixture, "a call that is withdrawn is withdrawn wherever it is") {
    connect_all(2);
    call& open = start_hedged();
    auto& second = copy_of(open);
    tries.withdraw(open);
    CHECK(node(1).written() == texts{"cancel #0"});
    CHECK(second.written() == texts{"cancel #1"});
    CHECK(due() == texts{"t/again was cancelled by its caller"});
    CHECK(node(1).in_flight + second.in_flight == 0);
}

TEST_CASE_METHOD(attempts_fixture, "only functions that may run twice are sent twice at a time") {
    connect_all(2);
    call& open = start("t/once", 1, copies::wanted);
    now += 5s;
    tries.send_copies(now);
    CHECK(open.kept->second == nullptr);
    CHECK(tries.hedges() == 0);
}

TEST_CASE_METHOD(attempts_fixture, "calls that were sent before a catalog came learn from it") {
    connect_all(2);
    call& open = start("t/again", 1);
    open.idempotent = false;
    tries.learn(node(1));
    CHECK(open.idempotent);
}
