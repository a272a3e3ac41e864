// SPDX-License-Identifier: Apache-2.0
#include "actors/state/hottest_keys.hpp"

#include "actors/state/replacement_policy.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace dunlin::actors;

using keys = std::vector<std::string>;

TEST_CASE("of each space the hottest keys are chosen, the hottest first") {
    hottest_keys of({.keys_max = 3, .bytes_max = 1000});
    for (std::uint32_t heat : {4U, 1U, 9U, 7U, 2U})
        of.consider(1, heat, 10, "k" + std::to_string(heat));
    of.consider(0, 3, 10, "other");
    const auto chosen = of.take();
    REQUIRE(chosen.size() == 2);
    CHECK(chosen[0] == keys{"other"});
    CHECK(chosen[1] == keys{"k9", "k7", "k4"});
    CHECK(of.take().empty());
}

TEST_CASE("keys are chosen as long as their values have room, of all spaces together") {
    hottest_keys of({.keys_max = 100, .bytes_max = 100});
    of.consider(0, 9, 60, "first");
    of.consider(1, 8, 50, "too large by then");
    of.consider(1, 7, 30, "second");
    of.consider(0, 6, 10, "third");
    of.consider(0, 5, 1, "none is left");
    const auto chosen = of.take();
    CHECK(chosen[0] == keys{"first", "third"});
    CHECK(chosen[1] == keys{"second"});
}

TEST_CASE("of keys that are alike the same ones are chosen, in whatever order they come") {
    const auto order = GENERATE(keys{"a", "b", "c"}, keys{"c", "b", "a"}, keys{"b", "c", "a"});
    hottest_keys of({.keys_max = 2, .bytes_max = 100});
    for (const auto& each : order) of.consider(0, 5, 1, each);
    CHECK(of.take().at(0) == keys{"a", "b"});
}

TEST_CASE("what the cache would keep longest is hottest") {
    constexpr std::size_t bytes = 1024;
    replacement_policy policy(1000 * bytes);
    cache_slot next = 0;
    const auto come = [&](cache_slot count) {
        for (const auto end = next + count; next < end; ++next) policy.insert(next, next, bytes);
    };
    come(1);  // in the small queue, and not used again
    come(200);
    const cache_slot in_main = 150;
    const cache_slot used = 1;
    CHECK(policy.heat(200) > policy.heat(0));
    come(60);
    policy.touched(used);
    CHECK(policy.heat(used) > policy.heat(0));
    policy.touched(in_main);
    CHECK(policy.heat(in_main) > policy.heat(used));
    const auto once = policy.heat(in_main);
    come(60);
    policy.touched(in_main);
    CHECK(policy.heat(in_main) > once);
}
