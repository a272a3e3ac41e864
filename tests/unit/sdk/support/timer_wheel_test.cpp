// SPDX-License-Identifier: Apache-2.0
#include "support/timer_wheel.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <type_traits>
#include <vector>

using dunlin::support::timer_node;
using dunlin::support::timer_wheel;
using namespace std::chrono_literals;
using time_point = timer_wheel::time_point;

static_assert(!std::is_copy_constructible_v<timer_node>);
static_assert(!std::is_copy_constructible_v<timer_wheel>);

namespace {

constexpr time_point start{1234567891234567ns};

std::vector<timer_node*> fired_at(timer_wheel& wheel, time_point now) {
    std::vector<timer_node*> fired;
    wheel.advance(now, [&](timer_node& node) { fired.push_back(&node); });
    return fired;
}

}  // namespace

TEST_CASE("timer wheel fires a node at its deadline and at most one tick later") {
    const auto delay = GENERATE(1ns, 999999ns, 20ms, 64ms, 65ms, 5s, 10s, 300s, 24h, 2400h);
    timer_wheel wheel(start);
    timer_node node;
    wheel.insert(node, start + delay);

    // Sleeps exactly as a poll loop would.
    time_point now = start;
    int wakes = 0;
    while (node.armed()) {
        REQUIRE(wheel.next_deadline() <= start + delay + timer_wheel::tick);
        REQUIRE(wheel.next_deadline() > now);
        now = wheel.next_deadline();
        if (!fired_at(wheel, now).empty()) break;
        REQUIRE(++wakes < 1000);
    }
    CHECK(now >= start + delay);
    CHECK(now <= start + delay + timer_wheel::tick);
    CHECK(wheel.next_deadline() == time_point::max());
}

TEST_CASE("timer wheel does not fire before the deadline") {
    timer_wheel wheel(start);
    timer_node node;
    wheel.insert(node, start + 70ms);
    CHECK(fired_at(wheel, start + 70ms - 1ns).empty());
    CHECK(node.armed());
    CHECK(fired_at(wheel, start + 72ms) == std::vector{&node});
    CHECK_FALSE(node.armed());
}

TEST_CASE("timer wheel fires a deadline that has passed already at the next advance") {
    timer_wheel wheel(start);
    timer_node node;
    wheel.insert(node, start - 1s);
    CHECK(wheel.next_deadline() <= start);
    CHECK(fired_at(wheel, start) == std::vector{&node});
    CHECK(fired_at(wheel, start).empty());
}

TEST_CASE("timer wheel forgets a node that was removed") {
    timer_wheel wheel(start);
    timer_node node;
    timer_node other;
    timer_wheel::remove(node);  // not armed: nothing happens
    wheel.insert(node, start + 10ms);
    wheel.insert(other, start + 10ms);
    timer_wheel::remove(node);
    CHECK_FALSE(node.armed());
    CHECK(fired_at(wheel, start + 1s) == std::vector{&other});
    CHECK(wheel.next_deadline() == time_point::max());
}

TEST_CASE("timer wheel lets a firing node insert, remove and destroy others") {
    timer_wheel wheel(start);
    auto destroyed = std::make_unique<timer_node>();
    timer_node again;
    timer_node late;
    wheel.insert(again, start + 5ms);
    wheel.insert(*destroyed, start + 5ms);
    int fired = 0;
    wheel.advance(start + 10ms, [&](timer_node& node) {
        ++fired;
        REQUIRE(&node == &again);
        timer_wheel::remove(*destroyed);
        destroyed.reset();
        wheel.insert(again, start + 20ms);
        wheel.insert(late, start);  // due already: next time, so that this ends
    });
    CHECK(fired == 1);
    CHECK(fired_at(wheel, start + 10ms) == std::vector{&late});
    CHECK(fired_at(wheel, start + 30ms) == std::vector{&again});
}

TEST_CASE("timer wheel survives leaps of the clock") {
    timer_wheel wheel(start);
    timer_node soon;
    timer_node far;
    wheel.insert(soon, start + 1ms);
    wheel.insert(far, start + 100h);
    CHECK(fired_at(wheel, start + 99h) == std::vector{&soon});
    CHECK(fired_at(wheel, start - 1h).empty());  // backwards: ignored
    CHECK(fired_at(wheel, start + 101h) == std::vector{&far});
}

TEST_CASE("timer wheel agrees with a sorted map under random use") {
    const auto seed = GENERATE(1u, 2u, 3u, 4u);
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto up_to = [&](std::int64_t most) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most));
    };
    std::vector<timer_node> nodes(300);
    std::set<std::pair<time_point, timer_node*>> expected;
    time_point now = start;
    timer_wheel wheel(now);
    for (int step = 0; step < 20000; ++step) {
        timer_node& node = nodes[static_cast<std::size_t>(up_to(300))];
        if (node.armed()) {
            expected.erase({node.deadline, &node});
            timer_wheel::remove(node);
        } else {
            const auto span = std::int64_t{1} << (10 + up_to(36));
            wheel.insert(node, now + std::chrono::nanoseconds(up_to(span) - span / 64));
            expected.emplace(node.deadline, &node);
        }
        if (up_to(4) != 0) continue;
        now += std::chrono::nanoseconds(up_to(std::int64_t{1} << (10 + up_to(28))));
        wheel.advance(now, [&](timer_node& fired) {
            REQUIRE(fired.deadline <= now);
            REQUIRE(expected.erase({fired.deadline, &fired}) == 1);
        });
        if (expected.empty()) continue;
        REQUIRE(expected.begin()->first > now - timer_wheel::tick);
        REQUIRE(wheel.next_deadline() < expected.begin()->first + timer_wheel::tick);
    }
    for (auto& node : nodes) timer_wheel::remove(node);
}
