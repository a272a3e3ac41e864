// SPDX-License-Identifier: Apache-2.0
//
// What others say of a member, how far it is believed, and who is far.
#include "tests/unit/runtime/membership/swim_bench.hpp"

using namespace dunlin::tests;

TEST_CASE("nobody can talk a member past what others believe of it") {
    bench victim(3);
    // Each goes as far beyond the last as one statement may.
    for (int i = 0; i < 8; ++i) {
        const auto next = victim.node.incarnation() + limits::incarnation_jump_max - 1;
        victim.say(3, update{member_state::suspect, next, record_of(1), {3}, 0});
    }
    CHECK(victim.node.incarnation() <= limits::incarnation_hearsay_max + 1);
    victim.say(
        3, update{member_state::suspect, limits::incarnation_hearsay_max, record_of(1), {3}, 0});
    REQUIRE(victim.node.incarnation() == limits::incarnation_hearsay_max + 1);

    // Another node knows it in its first incarnation, and hears an accusation.
    bench other(1);
    other.say(3, update{member_state::alive, 1, record_of(3), {}, 0});
    other.say(7, update{member_state::alive, 1, record_of(7), {}, 0});
    other.say(3, update{member_state::suspect, 1, record_of(7), {3}, 0});
    REQUIRE(other.state_of(7) == member_state::suspect);
    const auto said = victim.node.incarnation();
    other.say(7, update{member_state::alive, said, record_of(7), {}, 0});
    CHECK(other.state_of(7) == member_state::alive);
    CHECK(other.node.find(7)->incarnation == said);

    // So far up the word of others is a reason to ask it, and no more.
    other.sent.clear();
    other.say(3, update{member_state::dead, said, record_of(7), {}, 0});
    other.say(3, update{member_state::suspect, said + 1, record_of(7), {3}, 0});
    CHECK(other.state_of(7) == member_state::alive);
    other.run_for(150 * ms);
    CHECK(std::any_of(other.sent.begin(), other.sent.end(), [](const outgoing& each) {
        return each.to == 7 && each.what.kind == message_kind::ping;
    }));
    // What it is asked about it answers, or it is dead after all.
    other.run_for(5000 * ms, {7});
    CHECK(other.state_of(7) == member_state::dead);
}

TEST_CASE("the word of others that a member has left is a suspicion, which ends as they say") {
    bench b(9);
    b.say(3, update{member_state::left, 1, record_of(2), {}, 0});
    CHECK(b.state_of(2) == member_state::suspect);
    SECTION("one that is there says so") {
        b.say(2, update{member_state::alive, 2, record_of(2), {}, 0});
        b.run_for(5000 * ms);
        CHECK(b.state_of(2) == member_state::alive);
        CHECK(b.count(change_kind::left) == 0);
    }
    SECTION("one that is not has left, and did not die") {
        b.run_for(options{}.suspicion_min_ns + 50 * ms, {2});
        CHECK(b.state_of(2) == member_state::left);
        CHECK(b.count(change_kind::left) == 1);
        CHECK(b.count(change_kind::died) == 0);
    }
    SECTION("one that was believed to have left hears of it when it speaks") {
        b.run_for(options{}.suspicion_min_ns + 50 * ms, {2});
        b.sent.clear();
        b.say(2, message{});
        REQUIRE(b.sent.size() == 1);
        CHECK(b.sent[0].what.updates.at(0).record->instance == 2);
        CHECK(b.sent[0].what.updates.at(0).state == member_state::left);
    }
}

TEST_CASE("a node that leaves tells every member itself") {
    bench b(50);
    b.node.leave(b.now);
    b.collect();
    std::vector<instance_id> told;
    for (const auto& each : b.sent) {
        REQUIRE(each.what.updates.size() == 1);
        CHECK(each.what.updates[0].record->instance == 1);
        CHECK(each.what.updates[0].state == member_state::left);
        told.push_back(each.to);
    }
    std::sort(told.begin(), told.end());
    REQUIRE(told.size() == 49);
    CHECK(std::unique(told.begin(), told.end()) == told.end());
}

TEST_CASE("members that nobody has reached are few, and make room when they are reached or dead") {
    options how;
    how.unreached_max = 20;
    bench b(3, how);
    for (instance_id i = 100; i < 200; ++i)
        b.say(3, update{member_state::alive, 1, record_of(i), {}, 0});
    CHECK(b.node.living() == 3 + 20);
    CHECK(b.node.unreached() == 20);
    CHECK(b.node.counted().members_refused == 80);
    // One that speaks itself is taken all the same, and one that was reached makes room.
    b.say(150, update{member_state::alive, 1, record_of(150), {}, 0});
    CHECK(b.node.living() == 3 + 21);
    b.say(101, message{});
    CHECK(b.node.unreached() == 19);
    b.say(3, update{member_state::alive, 1, record_of(151), {}, 0});
    CHECK(b.node.find(151));
    // Lists are compared again soon.
    b.sent.clear();
    b.run_for(how.sync_refused_ns + 10 * ms);
    CHECK(std::any_of(b.sent.begin(), b.sent.end(),
                      [](const outgoing& each) { return each.what.kind == message_kind::digest; }));
    std::vector<instance_id> nobody;
    for (instance_id i = 100; i < 200; ++i)
        if (i != 101 && i != 150) nobody.push_back(i);
    for (const auto each : nobody) b.node.hint_lost(each, b.now);
    b.run_for(20'000 * ms, nobody);
    CHECK(b.node.unreached() == 0);
    CHECK(b.node.living() == 3 + 2);
}

TEST_CASE("of two starts of a node the one that speaks lives, whatever their numbers say") {
    bench b(3);  // node 1, whose others are 2 and 3
    b.say(900,
          update{member_state::alive, 1, record_of(900, "again", "tcp://10.0.0.9:7440"), {}, 0});
    REQUIRE(b.state_of(900) == member_state::alive);
    const auto later = record_of(800, "again", "tcp://10.0.0.9:7440");  // its clock is behind
    SECTION("it joins here") {
        b.say(800, update{member_state::alive, 1, later, {}, 0});
        CHECK(b.state_of(800) == member_state::alive);
        CHECK(b.state_of(900) == member_state::dead);
        CHECK(b.count(change_kind::died) == 1);
    }
    SECTION("it is heard of, and says that it lives") {
        b.say(3, update{member_state::alive, 1, later, {}, 0});
        CHECK(b.state_of(800) == member_state::suspect);
        CHECK(b.state_of(900) == member_state::alive);
        b.say(3, update{member_state::alive, 2, later, {}, 0});
        CHECK(b.state_of(800) == member_state::alive);
        CHECK(b.state_of(900) == member_state::dead);
        b.run_for(5000 * ms, {900});
        CHECK(b.count(change_kind::died) == 1);
        CHECK(b.count(change_kind::returned) == 0);
    }
    SECTION("it is an earlier start, of which late news tell, and says nothing") {
        b.say(3, update{member_state::alive, 1, later, {}, 0});
        b.run_for(5000 * ms, {800});
        CHECK(b.state_of(800) == member_state::dead);
        CHECK(b.state_of(900) == member_state::alive);
    }
    SECTION("it is this node, whose former start others still name") {
        b.say(
            3,
            update{member_state::alive, 4, record_of(700, "node-1", "tcp://10.0.0.1:7440"), {}, 0});
        CHECK(b.state_of(700) == member_state::dead);
        CHECK(b.count(change_kind::name_conflict) == 0);
    }
}

TEST_CASE(
    "a probe gives a far member the time that its answers take, and a near one no more than "
    "before") {
    bench b(2);
    const auto round_trip = [&](std::int64_t ns) {
        // Answers its next probe so late.
        b.sent.clear();
        while (b.sent.empty() || b.sent.back().what.kind != message_kind::ping) {
            b.now = std::max(b.now, b.node.next_timer_ns());
            b.node.advance(b.now);
            b.collect();
        }
        const auto asked = b.sent.back();
        const auto until = b.now + ns;
        while (b.node.next_timer_ns() < until) {
            b.now = std::max(b.now, b.node.next_timer_ns());
            b.node.advance(b.now);
            b.collect();
        }
        b.now = until;
        const auto ack = message_of(message_kind::ack, asked.what.sequence, 2);
        b.say(2, ack);
    };
    b.node.hear_round_trip(2, 100 * ms);  // as a link measured it
    for (int i = 0; i < 50; ++i) round_trip(100 * ms);
    CHECK(b.count(change_kind::suspected) == 0);
    CHECK(b.node.counted().probes_failed == 0);
    // It is asked again when its answer is overdue, not before.
    CHECK(b.node.counted().probes_indirect <= 2);
    // A death is known after its time.
    b.run_for(3000 * ms, {2});
    CHECK(b.state_of(2) == member_state::dead);
}
