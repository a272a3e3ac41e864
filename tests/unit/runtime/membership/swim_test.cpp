// SPDX-License-Identifier: Apache-2.0
//
// Asking, suspecting, burying, and comparing lists.
#include "tests/unit/runtime/membership/swim_bench.hpp"

using namespace dunlin::tests;

TEST_CASE("members that answer stay alive") {
    bench b(5);
    b.run_for(20'000 * ms);
    CHECK(b.changes.empty());
    CHECK(b.node.living() == 5);
    CHECK(b.node.counted().probes >= 190);
    CHECK(b.node.health_score() == 0);
}

TEST_CASE("a member that does not answer is asked three times, suspected, and dead in the end") {
    bench b(2);
    b.run_for(220 * ms, {2});
    CHECK(b.count(change_kind::suspected) == 1);
    CHECK(b.state_of(2) == member_state::suspect);
    CHECK(std::count_if(b.sent.begin(), b.sent.end(), [](const outgoing& each) {
              return each.what.kind == message_kind::ping && each.what.sequence == 1;
          }) == 3);
    b.run_for(1000 * ms, {2});
    CHECK(b.state_of(2) == member_state::dead);
    CHECK(b.count(change_kind::died) == 1);
    CHECK(b.node.living() == 1);
}

TEST_CASE("a suspect that contradicts in time is trusted again") {
    bench b(2);
    b.run_for(220 * ms, {2});
    REQUIRE(b.state_of(2) == member_state::suspect);
    b.say(2, update{member_state::alive, 1, record_of(2), {}, 0});
    CHECK(b.state_of(2) == member_state::suspect);  // not without a higher incarnation
    b.say(2, update{member_state::alive, 2, record_of(2), {}, 0});
    CHECK(b.state_of(2) == member_state::alive);
    CHECK(b.count(change_kind::trusted) == 1);
}

TEST_CASE("the suspect is told first that it is suspected") {
    bench b(5);
    b.run_for(1500 * ms, {4});
    const auto told = std::find_if(b.sent.begin(), b.sent.end(), [](const outgoing& each) {
        return std::any_of(each.what.updates.begin(), each.what.updates.end(), [](const update& u) {
            return u.record->instance == 4 && u.state == member_state::suspect;
        });
    });
    REQUIRE(told != b.sent.end());
    CHECK(told->to == 4);
}

TEST_CASE("a connection that closed is probed at once") {
    bench b(50);
    b.run_for(500 * ms);
    b.sent.clear();
    b.node.hint_lost(17, b.now);
    b.collect();
    REQUIRE(b.sent.size() == 1);
    CHECK(b.sent[0].to == 17);
    CHECK(b.sent[0].what.kind == message_kind::ping);
    b.node.hint_lost(17, b.now);
    b.node.hint_lost(99, b.now);
    b.collect();
    CHECK(b.sent.size() == 1);
}

TEST_CASE("a node that is suspected or declared dead contradicts with a new incarnation") {
    bench b(5);
    b.say(3, update{member_state::suspect, 1, record_of(1), {3}, 0});
    CHECK(b.node.incarnation() == 2);
    CHECK(b.count(change_kind::self_refuted) == 1);
    CHECK(b.changes[0].about_self);
    CHECK(b.changes[0].old_state == member_state::suspect);
    CHECK(std::any_of(b.sent.begin(), b.sent.end(), [](const outgoing& each) {
        return each.to == 3 && !each.what.updates.empty() &&
               each.what.updates[0].record->instance == 1 && each.what.updates[0].incarnation == 2;
    }));
    b.say(4, update{member_state::dead, 6, record_of(1), {}, 0});
    CHECK(b.node.incarnation() == 7);
    CHECK(b.state_of(1) == member_state::alive);
    // What is out of date only concerns the one that said it.
    b.sent.clear();
    b.say(4, update{member_state::dead, 6, record_of(1), {}, 0});
    CHECK(b.node.incarnation() == 7);
    REQUIRE(b.sent.size() == 1);
    CHECK(b.sent[0].to == 4);
}

TEST_CASE("an incarnation out of all proportion is ignored") {
    bench b(3);
    b.say(3, update{member_state::dead, limits::incarnation_max, record_of(1), {}, 0});
    b.say(3, update{member_state::dead, limits::incarnation_max, record_of(2), {}, 0});
    CHECK(b.node.incarnation() == 1);
    CHECK(b.state_of(2) == member_state::alive);
    CHECK(b.node.counted().implausible == 2);
}

TEST_CASE("late gossip does not wake the dead but a contradiction does") {
    bench b(3);
    b.say(3, update{member_state::dead, 4, record_of(2), {}, 0});
    b.run_for(options{}.suspicion_min_ns, {2});
    REQUIRE(b.state_of(2) == member_state::dead);
    b.say(3, update{member_state::alive, 4, record_of(2), {}, 0});
    CHECK(b.state_of(2) == member_state::dead);
    b.say(3, update{member_state::alive, 5, record_of(2), {}, 0});
    CHECK(b.state_of(2) == member_state::alive);
    CHECK(b.count(change_kind::returned) == 1);
}

TEST_CASE("the word of one that a member is dead is a suspicion, and as short as one can be") {
    bench b(9);
    SECTION("one that lives contradicts in time, however often it is said") {
        for (int i = 0; i < 3; ++i) b.say(3, update{member_state::dead, 1, record_of(2), {}, 0});
        CHECK(b.state_of(2) == member_state::suspect);
        b.run_for(options{}.suspicion_min_ns - 50 * ms);
        CHECK(b.state_of(2) == member_state::suspect);
        b.say(2, update{member_state::alive, 2, record_of(2), {}, 0});
        CHECK(b.state_of(2) == member_state::alive);
        b.run_for(5'000 * ms);
        CHECK(b.count(change_kind::died) == 0);
    }
    SECTION("one that was suspected for as long is dead at once") {
        b.say(3, update{member_state::suspect, 1, record_of(2), {3}, 0});
        b.run_for(options{}.suspicion_min_ns + 50 * ms);
        REQUIRE(b.state_of(2) == member_state::suspect);
        b.say(3, update{member_state::dead, 1, record_of(2), {}, 0});
        b.node.advance(b.now);
        b.collect();
        CHECK(b.state_of(2) == member_state::dead);
    }
    SECTION("of one that left nobody has to be sure") {
        b.say(2, update{member_state::left, 1, record_of(2), {}, 0});
        CHECK(b.state_of(2) == member_state::left);
    }
}

TEST_CASE("a node that did not run for a while blames nobody for it") {
    bench b(2);
    b.run_for(220 * ms, {2});
    REQUIRE(b.state_of(2) == member_state::suspect);
    b.now += 60'000 * ms;
    b.node.advance(b.now);
    b.collect();
    CHECK(b.count(change_kind::paused) == 1);
    CHECK(b.changes.back().paused_ns >= 59'000 * ms);
    CHECK(b.state_of(2) == member_state::suspect);
    CHECK(b.node.health_score() > 0);
    b.run_for(90 * ms, {2});
    CHECK(b.state_of(2) == member_state::suspect);
    CHECK(b.node.counted().pauses == 1);
}

TEST_CASE("a clock that goes back stops nothing") {
    bench b(3);
    b.run_for(1000 * ms);
    b.now -= 100'000 * ms;
    const auto probes = b.node.counted().probes;
    b.node.advance(b.now);
    CHECK(b.node.next_timer_ns() <= b.now + 200 * ms);
    b.run_for(1000 * ms);
    CHECK(b.node.counted().probes >= probes + 9);
}

TEST_CASE("a node that starts again at its endpoint takes the place of its former start at once") {
    bench b(3);
    b.say(9, update{member_state::alive, 1, record_of(9, "node-2", "tcp://10.0.0.2:7440"), {}, 0});
    CHECK(b.state_of(2) == member_state::dead);
    CHECK(b.state_of(9) == member_state::alive);
    CHECK(b.count(change_kind::name_conflict) == 0);
    // Late gossip about the former start changes nothing.
    b.say(3, update{member_state::alive, 1, record_of(2), {}, 0});
    CHECK(b.state_of(2) == member_state::dead);
}

TEST_CASE("two living members of one name at different endpoints are a name conflict") {
    bench b(3);
    b.say(9, update{member_state::alive, 1, record_of(9, "node-2"), {}, 0});
    REQUIRE(b.count(change_kind::name_conflict) == 1);
    CHECK(b.changes.back().record->instance == 9);
    CHECK(b.changes.back().other->instance == 2);
    CHECK_FALSE(b.changes.back().about_self);
    b.say(8, update{member_state::alive, 1, record_of(8, "node-1"), {}, 0});
    REQUIRE(b.count(change_kind::name_conflict) == 2);
    CHECK(b.changes.back().about_self);
}

TEST_CASE("draining raises the incarnation and leaving is final") {
    bench b(3);
    b.node.set_draining(b.now);
    b.node.set_draining(b.now);
    CHECK(b.node.incarnation() == 2);
    CHECK(b.node.self().draining);
    b.node.leave(b.now);
    b.collect();
    CHECK(b.state_of(1) == member_state::left);
    CHECK(std::count_if(b.sent.begin(), b.sent.end(), [](const outgoing& each) {
              return !each.what.updates.empty() && each.what.updates[0].state == member_state::left;
          }) == 2);
    const auto ping = message_of(message_kind::ping, 5, 1);
    b.sent.clear();
    b.say(2, ping);
    REQUIRE(b.sent.size() == 1);
    CHECK(b.sent[0].what.kind == message_kind::ack);
}

TEST_CASE("what is not meant for this start of the node is not answered") {
    bench b(3);
    const auto ping = message_of(message_kind::ping, 5, 77);
    b.say(2, ping);
    CHECK(b.sent.empty());
}

TEST_CASE("a helper asks the target, passes its answer on, and says so when there is none yet") {
    bench b(3);
    b.run_for(1000 * ms);
    b.sent.clear();
    const auto request = message_of(message_kind::ping_req, 77, 3);
    b.say(2, request);
    REQUIRE(b.sent.size() == 1);
    CHECK(b.sent[0].to == 3);
    const auto ack = message_of(message_kind::ack, b.sent[0].what.sequence, 3);
    b.say(3, ack);
    REQUIRE(b.sent.size() == 2);
    CHECK(b.sent[1].to == 2);
    CHECK(b.sent[1].what.kind == message_kind::ack);
    CHECK(b.sent[1].what.sequence == 77);

    b.sent.clear();
    b.say(2, request);
    b.run_for(25 * ms, {3});
    CHECK(std::count_if(b.sent.begin(), b.sent.end(), [](const outgoing& each) {
              return each.to == 2 && each.what.kind == message_kind::nack &&
                     each.what.sequence == 77;
          }) == 1);
}

TEST_CASE("no message carries more updates than its limit") {
    options how;
    how.update_bytes_max = 500;
    bench b(3, how);
    for (instance_id i = 10; i < 60; ++i)
        b.say(3, update{member_state::alive, 1, record_of(i), {}, 0});
    CHECK(b.node.updates_waiting() >= 50);
    b.sent.clear();
    b.run_for(5000 * ms);
    for (const auto& each : b.sent)
        if (each.what.kind != message_kind::sync) CHECK(each.what.updates.size() <= 6);
}

TEST_CASE("members and tombstones stay within their bounds, whatever peers say") {
    options how;
    how.members_max = 100;
    how.tombstones_max = 10;
    bench b(3, how);
    for (instance_id i = 10; i < 500; ++i)
        b.say(3, update{member_state::dead, 1, record_of(i), {}, 0});
    CHECK(b.node.snapshot().size() == 3 + 10);
    for (instance_id i = 1000; i < 1500; ++i)
        b.say(3, update{member_state::alive, 1, record_of(i), {}, 0});
    CHECK(b.node.snapshot().size() == 100);
    CHECK(b.node.counted().members_refused == 500 - 87);
}

TEST_CASE("the dead are forgotten after their time, counted from their death and not the news") {
    options how;
    how.tombstone_ns = 600'000 * ms;
    bench b(2, how);
    b.say(2, update{member_state::dead, 1, record_of(7), {}, 500});
    b.say(2, update{member_state::dead, 1, record_of(8), {}, 700});
    REQUIRE(b.node.find(7));
    CHECK(b.node.find(7)->dead_s == 500);
    CHECK_FALSE(b.node.find(8));
    b.run_for(50'000 * ms);
    CHECK(b.node.find(7));
    b.run_for(120'000 * ms);
    CHECK_FALSE(b.node.find(7));
}

TEST_CASE("lists that are equal cost one checksum and those that differ only their difference") {
    bench b(200);
    b.collect();
    message digest;
    digest.kind = message_kind::digest;
    digest.digests = {b.node.checksum()};
    b.say(2, digest);
    CHECK(b.sent.empty());

    digest.digests = {b.node.checksum() ^ 1};
    b.say(2, digest);
    REQUIRE(b.sent.size() == 1);
    auto finer = b.sent[0].what;
    REQUIRE(finer.kind == message_kind::digest);
    REQUIRE(finer.bucket_bits > 1);
    finer.updates.clear();
    finer.digests[3] ^= 1;
    b.say(2, finer);
    REQUIRE(b.sent.size() == 2);
    const auto& listed = b.sent[1].what;
    CHECK(listed.kind == message_kind::sync);
    CHECK(listed.wants_answer);
    CHECK(listed.buckets == std::vector<std::uint32_t>{3});
    for (const auto& each : listed.updates)
        CHECK(member_table::bucket_of(each.record->instance, finer.bucket_bits) == 3);

    // The other side of the same: what the asker lists is not sent back to it.
    auto request = listed;
    request.updates.pop_back();
    b.say(2, request);
    REQUIRE(b.sent.size() == 3);
    CHECK_FALSE(b.sent[2].what.wants_answer);
    CHECK(b.sent[2].what.updates.size() == 1);
}

TEST_CASE("the whole list goes to a newcomer in parts of bounded size") {
    bench b(300);
    message request;
    request.kind = message_kind::sync;
    request.wants_answer = true;
    request.buckets = {0};
    b.say(900, request);
    std::size_t records = 0;
    for (const auto& each : b.sent) {
        if (each.to != 900 || each.what.kind != message_kind::sync) continue;
        CHECK(each.what.updates.size() <= limits::sync_records);
        records += each.what.updates.size();
    }
    CHECK(records == 300);
}

TEST_CASE("a stranger that speaks to a node is asked who it is") {
    bench b(3);
    const auto ping = message_of(message_kind::ping, 3, 1);
    b.say(50, ping);
    REQUIRE(b.sent.size() == 2);
    CHECK(b.sent[0].what.kind == message_kind::ack);
    CHECK(b.sent[1].what.kind == message_kind::digest);
    CHECK(b.sent[1].to == 50);
}

TEST_CASE("what a member serves is learned from whoever knows it, and kept") {
    const std::vector<std::string> functions{"bench/echo"};
    const auto record_that_tells = [&](instance_id instance) {
        auto record = std::make_shared<member_record>(*record_of(instance));
        record->serves = dunlin::cluster::served_set::of(functions);
        return record;
    };
    const auto serves = [](bench& b, instance_id instance) {
        return b.node.find(instance)->record->serves.tells();
    };
    bench b;
    // An older node has passed it on without.
    b.say(3, {member_state::alive, 1, record_of(4), {}, 0});
    REQUIRE(b.node.find(4));
    REQUIRE_FALSE(serves(b, 4));
    b.changes.clear();
    b.say(2, {member_state::alive, 1, record_that_tells(4), {}, 0});
    CHECK(serves(b, 4));
    CHECK(b.count(change_kind::updated) == 1);
    // A suspicion or a later word without it takes nothing back.
    b.say(3, {member_state::suspect, 2, record_of(4), {3}, 0});
    CHECK(serves(b, 4));
    b.say(3, {member_state::alive, 3, record_of(4), {}, 0});
    CHECK(serves(b, 4));
    // One knows what it serves, and is too old for its store; another one knows that, too.
    auto with_store = std::make_shared<member_record>(*record_that_tells(4));
    with_store->store = 77;
    b.say(2, {member_state::alive, 3, record_that_tells(4), {}, 0});
    CHECK(b.node.find(4)->record->store == 0);
    b.say(2, {member_state::alive, 3, with_store, {}, 0});
    CHECK(b.node.find(4)->record->store == 77);
    b.say(3, {member_state::alive, 4, record_that_tells(4), {}, 0});
    CHECK(b.node.find(4)->record->store == 77);
    CHECK(serves(b, 4));
}
