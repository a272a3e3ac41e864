// SPDX-License-Identifier: Apache-2.0
#include "support/kept_capacity.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace dunlin::support;

TEST_CASE("an empty container keeps a little of its memory, and not what a crowd made of it") {
    std::vector<int> list(16);
    list.clear();
    give_back_growth(list);
    CHECK(list.capacity() == 16);
    list.resize(1'000'000);
    list.clear();
    CHECK(has_outgrown(list));
    give_back_growth(list);
    CHECK(list.capacity() == 0);
}
