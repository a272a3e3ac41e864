// SPDX-License-Identifier: Apache-2.0
//
// Slots that are given back when a crowd has gone, and what still points at them.
#include "actors/activation_table.hpp"

#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <cstdint>
#include <set>
#include <thread>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;
using namespace dunlin::testing;

namespace {

using address = std::pair<std::uint32_t, std::uint32_t>;  // slot and generation

struct crowded_table {
    actor_harness h;
    pool& home = h.make_pool(h.function("test/crowd", [](call_view c) { return c.reply("done"); }));
    activation_table table{h.system(), home};

    ~crowded_table() {
        table.end_all();
        h.run();
    }

    std::vector<activation*> spawn(std::size_t count) {
        std::vector<activation*> made;
        for (std::size_t i = 0; i < count; ++i) made.push_back(&table.spawn());
        return made;
    }
    void retire(const std::vector<activation*>& idle) {
        for (auto* each : idle) table.retire(*each);
        h.run();
    }
    [[nodiscard]] bool finds(address which) const {
        return static_cast<bool>(table.find(which.first, which.second));
    }
};

address newest_of(const activation& one) { return {one.slot(), one.newest_generation()}; }

constexpr std::size_t crowd = 10'000;
constexpr std::size_t few = 6;  // the first chunk, and one to spare

}  // namespace

TEST_CASE("the slots of a crowd are given back when it has gone") {
    crowded_table t;
    const auto stays = t.spawn(1);
    const auto all = t.spawn(crowd);
    CHECK(t.table.slots_made() > crowd);
    t.retire(all);
    CHECK(t.table.slots_made() <= few);
    CHECK(t.finds(newest_of(*stays.front())));
    t.retire(stays);
    CHECK(t.table.slots_made() <= few);
}

TEST_CASE("an activation that comes and goes makes no new slots each time") {
    crowded_table t;
    const auto full = t.spawn(2);
    t.retire(t.spawn(1));
    const auto made = t.table.slots_made();
    t.retire(t.spawn(1));
    CHECK(t.table.slots_made() == made);
    CHECK(made > full.size());
}

TEST_CASE("what points at slots that were given back finds nothing, nor who is there later") {
    crowded_table t;
    const auto first = t.spawn(crowd);
    std::vector<address> late;
    for (auto* each : first) {
        late.push_back(newest_of(*each));  // a stop
        static_cast<void>(each->next_generation());
        late.push_back(newest_of(*each));  // an operation
    }
    for (const auto& each : late) REQUIRE(t.finds(each));
    t.retire(first);
    const auto found = [&] {
        std::size_t count = 0;
        for (const auto& each : late) count += t.finds(each);
        return count;
    };
    CHECK(found() == 0);
    const auto second = t.spawn(crowd);
    CHECK(found() == 0);
    for (auto* each : second) REQUIRE(t.finds(newest_of(*each)));
}

TEST_CASE("no generation of a slot comes twice, whoever was there and whatever was given back") {
    crowded_table t;
    std::set<address> seen;
    std::size_t expected = 0;
    for (std::size_t round = 0; round < 5; ++round) {
        const auto made = t.spawn(3'000 - 500 * round);
        for (std::size_t i = 0; i < made.size(); ++i) {
            seen.insert(newest_of(*made[i]));
            ++expected;
            for (std::size_t operation = 0; operation < i % (round + 2); ++operation, ++expected) {
                static_cast<void>(made[i]->next_generation());
                seen.insert(newest_of(*made[i]));
            }
        }
        t.retire(made);
    }
    CHECK(seen.size() == expected);
}

TEST_CASE("slots are looked up while others are made and given back") {
    crowded_table t;
    std::atomic<bool> ended{false};
    std::vector<std::thread> readers;
    for (std::uint32_t i = 0; i < 2; ++i)
        readers.emplace_back([&t, &ended, i] {
            for (std::uint32_t at = i; !ended; at += 7)
                static_cast<void>(t.table.find((at % 8) << 11 | at % 2, at % 64));
        });
    for (int round = 0; round < 20; ++round) t.retire(t.spawn(1'000));
    ended = true;
    for (auto& each : readers) each.join();
    CHECK(t.table.slots_made() <= few);
}
