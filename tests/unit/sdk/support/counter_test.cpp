// SPDX-License-Identifier: Apache-2.0
#include "support/counter.hpp"

#include "tests/support/catch.hpp"

#include <cstdint>
#include <thread>
#include <vector>

TEST_CASE("a counter that several threads write loses nothing") {
    constexpr std::uint64_t each = 100'000;
    dunlin::support::shared_counter counted;
    {
        std::vector<std::jthread> writers;
        for (int i = 0; i < 4; ++i)
            writers.emplace_back([&] {
                for (std::uint64_t n = 0; n < each; ++n) counted.add();
            });
    }
    CHECK(counted.get() == 4 * each);
}

TEST_CASE("who sees a counter that was published sees what was counted before it") {
    dunlin::support::counter before;
    dunlin::support::counter published;
    std::jthread writer([&] {
        before.add(7);
        published.publish(1);
    });
    while (published.get() == 0) std::this_thread::yield();
    CHECK(before.get() == 7);
}
