// SPDX-License-Identifier: Apache-2.0
#include "actors/state/replacement_policy.hpp"

#include "tests/bench/cache/replay.hpp"
#include "tests/support/catch.hpp"

#include <set>
#include <vector>

using namespace dunlin::actors;
using dunlin::bench::hash_of_key;

namespace {

constexpr std::size_t entry_bytes = 1024;

constexpr auto none_pinned = [](cache_slot) { return false; };
constexpr auto all_pinned = [](cache_slot) { return true; };

/// A cache of equal entries whose slots are their keys.
struct equal_entries {
    replacement_policy policy;
    cache_slot next = 0;

    explicit equal_entries(std::size_t that_fit) : policy(that_fit * entry_bytes) {}

    void add(cache_slot slot) { policy.insert(slot, hash_of_key(slot), entry_bytes); }
    void fill() {
        while (policy.bytes() < policy.budget_bytes()) add(next++);
    }
    /// New entries that nobody uses again, each in place of another.
    void scan(std::size_t count) {
        for (; count > 0; --count) {
            add(next++);
            make_room();
        }
    }
    void make_room() {
        while (policy.over_budget()) REQUIRE(policy.victim(none_pinned) != no_slot);
    }
};

}  // namespace

TEST_CASE("an entry that is used now and then outlives a scan of ten times the cache") {
    equal_entries in(1'000);
    in.fill();
    // Some that came first, and are in the small queue, and some that filled the main one.
    constexpr cache_slot in_small = 60;
    constexpr cache_slot in_main = 400;
    for (int part = 0; part < 500; ++part) {
        for (cache_slot each = 0; each < 30; ++each) {
            in.policy.touched(in_small + each);
            in.policy.touched(in_main + each);
        }
        in.scan(20);
    }
    for (cache_slot each = 0; each < 30; ++each) {
        CHECK(in.policy.holds(in_small + each));
        CHECK(in.policy.holds(in_main + each));
    }
}

TEST_CASE("a burst of uses is one use") {
    equal_entries in(1'000);
    in.fill();
    in.scan(1'000);

    // Used at once a hundred times and never again: no better than never.
    const auto burst = in.next;
    in.scan(1);
    for (int use = 0; use < 100; ++use) in.policy.touched(burst);
    // Used again when more than a window has come in.
    const auto twice = in.next;
    in.scan(1);
    in.scan(60);
    in.policy.touched(twice);

    in.scan(200);
    CHECK_FALSE(in.policy.holds(burst));
    CHECK(in.policy.holds(twice));
}

TEST_CASE("a key that comes back soon after it was thrown out stays longer") {
    equal_entries in(1'000);
    in.fill();
    in.scan(1'000);
    const auto key = in.next;
    in.scan(201);
    REQUIRE_FALSE(in.policy.holds(key));

    in.add(key);
    in.make_room();
    in.scan(500);
    CHECK(in.policy.holds(key));
}

TEST_CASE("an erased entry is not remembered") {
    equal_entries in(1'000);
    in.fill();
    in.scan(1'000);
    const auto key = in.next;
    in.scan(1);
    const auto ghosts = in.policy.ghosts().count();
    in.policy.erased(key);
    CHECK_FALSE(in.policy.holds(key));
    CHECK(in.policy.ghosts().count() == ghosts);
    CHECK(in.policy.size() == 999);
}

TEST_CASE("nothing is thrown out while everything is pinned") {
    equal_entries in(50);
    in.fill();
    in.add(in.next++);
    CHECK(in.policy.victim(all_pinned) == no_slot);
    CHECK(in.policy.size() == 51);
    CHECK(in.policy.victim([](cache_slot slot) { return slot != 17; }) == 17);
    CHECK(in.policy.victim(all_pinned) == no_slot);
    CHECK(in.policy.victim(none_pinned) != no_slot);
    CHECK(replacement_policy(100).victim(none_pinned) == no_slot);
}

TEST_CASE("a search among many that are pinned is short, and goes on where it ended") {
    constexpr std::size_t entries = 20'000;
    equal_entries in(entries);
    in.fill();
    for (const cache_slot only : {3U, 9'999U, 19'999U}) {
        std::size_t calls = 0;
        auto gone = no_slot;
        while (gone == no_slot) {
            std::size_t looks = 0;
            gone = in.policy.victim([&](cache_slot slot) {
                ++looks;
                return slot != only;
            });
            REQUIRE(looks <= replacement_policy::looks_max);
            REQUIRE(++calls <= 2 * entries / replacement_policy::looks_max);
        }
        CHECK(gone == only);
    }
}

TEST_CASE("a search among entries that are all in use is short") {
    equal_entries in(10'000);
    in.fill();
    for (int round = 0; round < 8; ++round) {
        for (cache_slot slot = 0; slot < 10'000; ++slot) in.policy.touched(slot);
        for (std::size_t come = 0; come < 1'000; ++come) {
            in.add(in.next++);
            std::size_t looks = 0;
            REQUIRE(in.policy.victim([&](cache_slot) {
                ++looks;
                return false;
            }) != no_slot);
            REQUIRE(looks <= replacement_policy::looks_max);
        }
        for (cache_slot slot = 0; slot < 10'000; ++slot) {
            if (!in.policy.holds(slot)) in.add(slot);
        }
        in.make_room();
    }
    CHECK(in.policy.size() == 10'000);
}

TEST_CASE("a smaller budget empties the cache as it is asked, a larger one fills up again") {
    equal_entries in(1'000);
    in.fill();
    in.policy.set_budget(100 * entry_bytes);
    CHECK(in.policy.over_budget());
    std::set<cache_slot> gone;
    while (in.policy.over_budget()) gone.insert(in.policy.victim(none_pinned));
    CHECK(gone.size() == 900);
    CHECK(in.policy.size() == 100);

    in.policy.set_budget(2'000 * entry_bytes);
    in.fill();
    CHECK(in.policy.size() == 2'000);
    in.scan(100);
    CHECK(in.policy.size() == 2'000);

    in.policy.set_budget(0);
    while (in.policy.over_budget()) REQUIRE(in.policy.victim(none_pinned) != no_slot);
    CHECK(in.policy.size() == 0);
}

TEST_CASE("an entry that grows takes the place of others") {
    equal_entries in(100);
    in.fill();
    in.policy.resized(50, 11 * entry_bytes);
    CHECK(in.policy.bytes() == 110 * entry_bytes);
    std::size_t gone = 0;
    const auto used_now = [](cache_slot slot) { return slot == 50; };
    for (; in.policy.over_budget(); ++gone) REQUIRE(in.policy.victim(used_now) != no_slot);
    CHECK(gone == 10);
    in.policy.resized(50, 0);
    CHECK(in.policy.bytes() == 89 * entry_bytes);
    in.policy.erased(50);
    CHECK(in.policy.bytes() == 89 * entry_bytes);
}

TEST_CASE("a policy takes 26 bytes an entry, however many come and go") {
    constexpr std::size_t entries = 50'000;
    equal_entries in(entries);
    in.fill();
    std::vector<cache_slot> free{in.next};
    for (std::size_t come = 0; come < 3 * entries; ++come) {
        in.policy.insert(free.back(), hash_of_key(static_cast<std::uint32_t>(entries + come)),
                         entry_bytes);
        free.pop_back();
        while (in.policy.over_budget()) free.push_back(in.policy.victim(none_pinned));
    }
    CHECK(in.policy.size() == entries);
    CHECK(in.policy.ghosts().count() > entries / 5);
    CHECK(in.policy.memory_bytes() <= 26 * entries);
}
