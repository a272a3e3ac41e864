// SPDX-License-Identifier: Apache-2.0
//
// The small parts that membership is made of.
#include "runtime/membership/local_health.hpp"
#include "runtime/membership/member_table.hpp"
#include "runtime/membership/probes.hpp"
#include "runtime/membership/round_trips.hpp"
#include "runtime/membership/suspicions.hpp"
#include "runtime/membership/update_queue.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <set>
#include <vector>

using namespace dunlin::runtime::membership;

namespace {

record_ptr record_of(instance_id instance) {
    auto record = std::make_shared<member_record>();
    record->instance = instance;
    return record;
}

std::vector<instance_id> told(update_queue& queue, std::size_t count, std::uint32_t times_max) {
    std::vector<instance_id> all;
    queue.tell(times_max, [&](instance_id each) {
        if (all.size() == count) return false;
        all.push_back(each);
        return true;
    });
    return all;
}

}  // namespace

TEST_CASE("member table finds what was inserted and not what was erased, in any order") {
    member_table table;
    std::map<instance_id, member_slot> expected;
    seeded_random random(1);
    for (int step = 0; step < 20'000; ++step) {
        const instance_id instance = 1 + random.below(500);
        const auto found = table.find(instance);
        if (const auto known = expected.find(instance); known == expected.end()) {
            REQUIRE(found == no_slot);
            expected[instance] = table.insert(record_of(instance), 1, member_state::alive);
        } else {
            REQUIRE(found == known->second);
            REQUIRE(table[found].instance == instance);
            table.erase(found);
            expected.erase(known);
        }
        REQUIRE(table.size() == expected.size());
        REQUIRE(table.living() == expected.size());
    }
    CHECK(table.slots() <= 500);
}

TEST_CASE("checksums of member tables tell who lives in which incarnation, and nothing else") {
    member_table one;
    member_table other;
    for (instance_id i = 1; i <= 100; ++i) one.insert(record_of(i), 1, member_state::alive);
    for (instance_id i = 100; i >= 1; --i) other.insert(record_of(i), 1, member_state::suspect);
    CHECK(one.checksum() == other.checksum());
    CHECK(one.checksums(5) == other.checksums(5));
    other.change(other.find(40), record_of(40), 2, member_state::alive);
    CHECK(one.checksum() != other.checksum());
    const auto bucket = member_table::bucket_of(40, 5);
    const auto ours = one.checksums(5);
    const auto theirs = other.checksums(5);
    for (std::uint32_t i = 0; i < 32; ++i) CHECK((ours[i] == theirs[i]) == (i != bucket));
    one.change(one.find(40), record_of(40), 1, member_state::dead);
    other.erase(other.find(40));
    CHECK(one.checksum() == other.checksum());
}

TEST_CASE("a suspicion lasts longest without confirmations and shortest with all of them") {
    CHECK(suspicion_ns(100, 300, 0, 3) == 300);
    CHECK(suspicion_ns(100, 300, 1, 3) == 200);  // log 2 / log 4
    CHECK(suspicion_ns(100, 300, 3, 3) == 100);
    CHECK(suspicion_ns(100, 300, 9, 3) == 100);
    CHECK(suspicion_ns(100, 300, 0, 0) == 100);  // nobody could confirm it
}

TEST_CASE("only independent accusers shorten a suspicion") {
    suspicions all;
    all.begin(7, {100, 300, 3}, 1000);
    CHECK(all.next_ns() == 1300);
    CHECK(all.accuse(7, 1));  // the first accuser is the suspicion itself
    CHECK(all.next_ns() == 1300);
    CHECK_FALSE(all.accuse(7, 1));
    CHECK(all.accuse(7, 2));
    CHECK(all.next_ns() == 1200);
    CHECK_FALSE(all.accuse(8, 2));
    CHECK(all.overdue(1199) == no_instance);
    CHECK(all.overdue(1200) == 7);
    all.hold_until(5000);
    CHECK(all.overdue(4999) == no_instance);
    all.end(7);
    CHECK(all.size() == 0);
    CHECK(all.overdue(9999) == no_instance);
}

TEST_CASE("round trips of far members are learned, those of near ones are not") {
    constexpr std::int64_t ms = 1'000'000;
    round_trips learned(30 * ms, 600 * ms, 2);
    CHECK(learned.timeout_ns(7) == 30 * ms);
    learned.learn(7, 12 * ms);
    CHECK(learned.size() == 0);

    learned.learn(7, 200 * ms);
    CHECK(learned.timeout_ns(7) == 600 * ms);  // three times the first, as far as is permitted
    for (int i = 0; i < 40; ++i) learned.learn(7, 200 * ms);
    CHECK(learned.timeout_ns(7) == 210 * ms);
    // What varies is waited for longer.
    for (int i = 0; i < 40; ++i) learned.learn(7, (i % 2 == 0 ? 150 : 250) * ms);
    CHECK(learned.timeout_ns(7) > 300 * ms);
    CHECK(learned.timeout_ns(7) < 450 * ms);

    // One that was paused for a moment is near all the same.
    learned.learn(8, 300 * ms);
    CHECK(learned.timeout_ns(8) > 300 * ms);
    learned.learn(8, 1 * ms);
    CHECK(learned.timeout_ns(8) == 30 * ms);

    learned.learn(9, 100 * ms);
    learned.learn(10, 100 * ms);  // there is no room
    CHECK(learned.size() == 2);
    CHECK(learned.timeout_ns(10) == 30 * ms);
    learned.learn(10, 5000 * ms);
    learned.forget(9);
    CHECK(learned.size() == 1);
}

TEST_CASE("update queue tells the least told first and each a limited number of times") {
    update_queue queue(10);
    queue.add(1);
    queue.add(2);
    CHECK(told(queue, 1, 3) == std::vector<instance_id>{2});
    CHECK(told(queue, 1, 3) == std::vector<instance_id>{1});
    queue.add(3);
    CHECK(told(queue, 1, 3) == std::vector<instance_id>{3});
    std::map<instance_id, int> times;
    for (int i = 0; i < 20; ++i)
        for (const auto each : told(queue, 2, 3)) ++times[each];
    CHECK(times == std::map<instance_id, int>{{1, 2}, {2, 2}, {3, 2}});
    CHECK(queue.size() == 0);
}

TEST_CASE("update queue gives up what was told most when it is full") {
    update_queue queue(2);
    queue.add(1);
    CHECK(told(queue, 1, 9).size() == 1);
    queue.add(2);
    queue.add(3);
    CHECK(queue.size() == 2);
    CHECK(told(queue, 2, 9) == std::vector<instance_id>{3, 2});
}

TEST_CASE("every member is probed once a round and newcomers in the same round") {
    member_table table;
    seeded_random random(3);
    probe_order order;
    const auto self = table.insert(record_of(1), 1, member_state::alive);
    for (instance_id i = 2; i <= 9; ++i) table.insert(record_of(i), 1, member_state::alive);
    for (int round = 0; round < 20; ++round) {
        std::set<member_slot> seen;
        for (int i = 0; i < 8; ++i) seen.insert(order.next(table, self, random));
        CHECK(seen.size() == 8);
        CHECK(seen.count(self) == 0);
    }
    std::set<member_slot> seen;
    for (int i = 0; i < 3; ++i) seen.insert(order.next(table, self, random));
    order.add(table.insert(record_of(10), 1, member_state::alive), random);
    for (int i = 0; i < 6; ++i) seen.insert(order.next(table, self, random));
    CHECK(seen.size() == 9);
    // Nobody is left to probe.
    for (member_slot at = 0; at < table.slots(); ++at)
        if (at != self) table.change(at, table[at].record, 1, member_state::dead);
    CHECK(order.next(table, self, random) == no_slot);
}

TEST_CASE("an answer counts for the probe it names and only if the target is the probe's") {
    probe_board board;
    probe ours;
    ours.target = 5;
    ours.sequence = board.next_sequence();
    ours.ask_ns = 30;
    ours.failed_ns = 100;
    board.add(ours);
    CHECK(board.next_ns() == 30);
    CHECK(board.due_probe(29) == nullptr);
    CHECK(board.due_probe(30) != nullptr);
    CHECK_FALSE(board.take_probe(ours.sequence, 6));
    CHECK_FALSE(board.take_probe(ours.sequence + 1, 5));
    CHECK(board.take_probe(ours.sequence, 5));
    CHECK_FALSE(board.take_probe(ours.sequence, 5));
}

TEST_CASE("a probe board does not grow beyond its bounds") {
    probe_board board;
    for (int i = 0; i < 1000; ++i) {
        board.add(probe{});
        board.add(relay{});
    }
    CHECK(board.probes() == probe_board::probes_max);
    CHECK(board.relays() == probe_board::relays_max);
    board.expire(0);
    CHECK(board.relays() == 0);
}

TEST_CASE("local health stretches times with its score and recovers") {
    local_health health(4);
    CHECK(health.stretch(100) == 100);
    for (int i = 0; i < 9; ++i) health.worse();
    CHECK(health.score() == 4);
    CHECK(health.stretch(100) == 500);
    for (int i = 0; i < 9; ++i) health.better();
    CHECK(health.score() == 0);
}
