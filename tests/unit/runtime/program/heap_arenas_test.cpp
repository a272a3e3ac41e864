// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/heap_arenas.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::program;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

}  // namespace

TEST_CASE("under a limit of address space malloc's arenas take a quarter of it at most") {
    CHECK(arenas_max(20 * mib, 2) == 1);
    CHECK(arenas_max(1023 * mib, 2) == 1);
    CHECK(arenas_max(1024 * mib, 2) == 2);
    CHECK(arenas_max(4096 * mib, 2) == 8);
}

TEST_CASE("a limit of address space with room for all arenas that malloc likes changes nothing") {
    CHECK_FALSE(arenas_max(8192 * mib, 2));
    CHECK_FALSE(arenas_max(4096 * mib, 1));
    CHECK_FALSE(arenas_max(4096 * mib, 0));  // nobody knows how many there are
    CHECK(arenas_max(8192 * mib, 4) == 16);
}
