// SPDX-License-Identifier: Apache-2.0
#include "actors/state/ghost_table.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>

using namespace dunlin::actors;

namespace {

std::uint32_t key(std::uint32_t number) { return number * 2'654'435'761U; }

ghost_table made_for(std::size_t entries, std::size_t life_bytes) {
    ghost_table ghosts;
    ghosts.reserve(entries);
    ghosts.set_life(life_bytes);
    return ghosts;
}

}  // namespace

TEST_CASE("a key that left is known once") {
    auto ghosts = made_for(100, 1 << 20);
    CHECK_FALSE(ghosts.take(key(1)));
    ghosts.remember(key(1), 100);
    ghosts.remember(0, 100);  // any hash will do
    CHECK(ghosts.count() == 2);
    CHECK(ghosts.take(key(1)));
    CHECK_FALSE(ghosts.take(key(1)));
    CHECK(ghosts.take(0));
    CHECK(ghosts.count() == 0);
}

TEST_CASE("a key that leaves twice is remembered once") {
    auto ghosts = made_for(100, 1 << 20);
    ghosts.remember(key(1), 100);
    ghosts.remember(key(1), 100);
    CHECK(ghosts.count() == 1);
}

TEST_CASE("a table without places remembers nothing") {
    ghost_table ghosts;
    ghosts.remember(key(1), 100);
    CHECK_FALSE(ghosts.take(key(1)));
    CHECK(ghosts.count() == 0);
}

TEST_CASE("a key is forgotten when as much as a life has left after it") {
    constexpr std::size_t life = 1 << 20;
    for (const std::size_t each : {1U << 10, 1U << 14}) {  // bytes of those that leave after it
        auto ghosts = made_for(2'000, life);
        ghosts.remember(key(1), 100);
        for (std::uint32_t left = 2; left * each < life; ++left) ghosts.remember(key(left), each);
        auto copy = ghosts;
        CHECK(copy.take(key(1)));
        for (std::uint32_t left = 0; left < 4; ++left) ghosts.remember(key(10'000 + left), each);
        CHECK_FALSE(ghosts.take(key(1)));
    }
}

TEST_CASE("a large entry that leaves ages all others out, and is remembered") {
    auto ghosts = made_for(100, 1 << 20);
    ghosts.remember(key(1), 100);
    ghosts.remember(key(2), 1 << 30);
    CHECK_FALSE(ghosts.take(key(1)));
}

TEST_CASE("a key that was forgotten stays so when ages start again") {
    // Ages are counted in 16 bits, 1,024 of them a life.
    constexpr std::size_t part = 64;
    auto ghosts = made_for(1'000, 1024 * part);
    ghosts.remember(key(1), 0);
    for (std::uint32_t parts = 0; parts < 65'536; ++parts)
        ghosts.remember(key(2 + parts % 8), part);
    CHECK_FALSE(ghosts.take(key(1)));
}

TEST_CASE("when there are too many keys the oldest are forgotten first") {
    auto ghosts = made_for(1'000, std::size_t{1} << 40);
    CHECK(ghosts.capacity() >= 1'000);
    CHECK(ghosts.capacity() < 1'500);
    constexpr std::uint32_t all = 100'000;
    for (std::uint32_t left = 0; left < all; ++left) ghosts.remember(key(left), 1U << 20);
    CHECK(ghosts.count() <= ghosts.capacity());

    std::size_t young = 0;
    std::size_t old = 0;
    for (std::uint32_t left = all - 500; left < all; ++left)
        young += static_cast<std::size_t>(ghosts.take(key(left)));
    for (std::uint32_t left = 0; left < all - 10'000; ++left)
        old += static_cast<std::size_t>(ghosts.take(key(left)));
    CHECK(young > 490);
    CHECK(old == 0);
}

TEST_CASE("a table that grows keeps what it remembers") {
    auto ghosts = made_for(10, 1 << 20);
    for (std::uint32_t left = 0; left < 8; ++left) ghosts.remember(key(left), 100);
    for (std::size_t entries = 11; entries <= 2'000; ++entries) ghosts.reserve(entries);
    CHECK(ghosts.count() == 8);
    for (std::uint32_t left = 0; left < 8; ++left) CHECK(ghosts.take(key(left)));
    // Some eleven bytes for each entry at most, also right after it has grown.
    CHECK(ghosts.memory_bytes() <= 2'000 * 12);
}
